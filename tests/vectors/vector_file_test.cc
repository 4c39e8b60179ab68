// The promise that vectors rest on: what a test leaves out of a file fails it.
#include "tests/support/vector_file.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace custody {
namespace {

TEST(VectorFileTest, AValueThatNoTestLooksAtFailsIt) {
  const TempDir folder;
  const std::string path = (folder / "some.json").string();
  std::ofstream(path) << R"({"used": 1, "list": [{"also": true}, {"left": "out"}]})";
  EXPECT_NONFATAL_FAILURE(
      {
        VectorFile file(path);
        EXPECT_EQ(file["used"].Number(), 1U);
        EXPECT_TRUE(file["list"].Items()[0]["also"].Flag());
      },
      "/list/1/left was never used by the test");
  VectorFile file(path);
  EXPECT_EQ(file["used"].Number(), 1U);
  EXPECT_TRUE(file["list"].Items()[0]["also"].Flag());
  EXPECT_EQ(file["list"].Items()[1]["left"].Text(), "out");
}

}  // namespace
}  // namespace custody
