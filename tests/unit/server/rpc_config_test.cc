#include <gtest/gtest.h>

#include "crypto/file.h"
#include "server/config.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

class ServerConfigTest : public ::testing::Test {
 protected:
  StatusOr<ServerConfig> Load(std::string_view text) {
    CUSTODY_CHECK(WriteFileAtomically(folder_ / "server.toml", text).ok());
    return LoadServerConfig(folder_ / "server.toml");
  }
  TempDir folder_;
};

TEST_F(ServerConfigTest, PathsAreRelativeToTheFile) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(ServerConfig config,
                               Load("dir = \"data\"\nlisten = \"127.0.0.1:0\"\n"
                                    "[tls]\nkey = \"/etc/key\"\n"));
  CUSTODY_ASSERT_OK(CompleteServerConfig(config));
  EXPECT_EQ(config.dir, folder_ / "data");
  EXPECT_EQ(config.certificate, folder_ / "data/tls/server.pem");
  EXPECT_EQ(config.key, "/etc/key");
}

TEST_F(ServerConfigTest, ASlipOfThePenIsAnError) {
  EXPECT_THAT(Load("dri = \"data\"\n"), StatusIs(StatusCode::kInvalidArgument, "\"dri\""));
  EXPECT_THAT(Load("[tls]\nkee = \"x\"\n"), StatusIs(StatusCode::kInvalidArgument, "\"tls.kee\""));
  EXPECT_THAT(Load("drain_seconds = \"20\"\n"),
              StatusIs(StatusCode::kInvalidArgument, "drain_seconds must be a number from 1"));
  EXPECT_THAT(Load("read_threads = 0\n"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Load("dir = [\n"), StatusIs(StatusCode::kInvalidArgument, "line"));
  EXPECT_THAT(LoadServerConfig(folder_ / "none.toml"), StatusIs(StatusCode::kNotFound));
}

TEST_F(ServerConfigTest, FolderAndAddressMustBeGiven) {
  ServerConfig config;
  EXPECT_THAT(CompleteServerConfig(config), StatusIs(StatusCode::kInvalidArgument, "--dir"));
  config.dir = "/data";
  EXPECT_THAT(CompleteServerConfig(config), StatusIs(StatusCode::kInvalidArgument, "--listen"));
  config.listen = "127.0.0.1:0";
  config.log_level = "loud";
  EXPECT_THAT(CompleteServerConfig(config), StatusIs(StatusCode::kInvalidArgument, "loud"));
}

TEST_F(ServerConfigTest, APortThatIsNoneIsRefusedInsteadOfCutShort) {
  ServerConfig config;
  config.dir = "/data";
  for (const char* listen : {"127.0.0.1:99999", "127.0.0.1:", "127.0.0.1", "host:-1", "host:80x"}) {
    config.listen = listen;
    EXPECT_THAT(CompleteServerConfig(config), StatusIs(StatusCode::kInvalidArgument, listen));
  }
  for (const char* listen : {"127.0.0.1:0", "[::1]:65535", "ledger.hospital.example:7443"}) {
    config.listen = listen;
    CUSTODY_EXPECT_OK(CompleteServerConfig(config)) << listen;
  }
}

}  // namespace
}  // namespace custody
