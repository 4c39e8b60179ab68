#include "client/console.h"

#include <gtest/gtest.h>

#include <sstream>

namespace custody {
namespace {

struct Screen {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream error;
};

TEST(ConsoleTest, SaysTheNoticeOnceOutsideProduction) {
  Screen screen;
  Console console(screen.in, screen.out, screen.error, {});
  console.SetEnvironment(pb::DEMO);
  console.Say("one");
  console.Shout(Mood::kBad, "STOP", "two");
  EXPECT_EQ(screen.out.str(), "TRAINING - NOT FOR PATIENT USE\none\n*** STOP ***  two\n");
}

TEST(ConsoleTest, ProductionHasNoNoticeAndAnUnknownLedgerHas) {
  Screen screen;
  Console console(screen.in, screen.out, screen.error, {});
  console.SetEnvironment(pb::PRODUCTION);
  console.Say("one");
  EXPECT_EQ(screen.out.str(), "one\n");
  Screen other;
  Console unknown(other.in, other.out, other.error, {});
  unknown.Say("one");
  EXPECT_EQ(other.out.str().find(kTrainingNotice), 0U);
}

TEST(ConsoleTest, JsonIsOneObjectALineWithTheNoticeInIt) {
  Screen screen;
  Console console(screen.in, screen.out, screen.error, {.json = true});
  console.Say("people only");
  console.Emit({{"recorded", true}});
  console.Complain(NotFound("nothing there"));
  std::istringstream lines(screen.out.str());
  std::string line;
  std::getline(lines, line);
  const auto first = nlohmann::json::parse(line);
  EXPECT_EQ(first["recorded"], true);
  EXPECT_EQ(first["notice"], kTrainingNotice);
  std::getline(lines, line);
  EXPECT_EQ(nlohmann::json::parse(line)["error"], "nothing there");
  EXPECT_EQ(screen.error.str(), "");
}

TEST(ConsoleTest, TablesAlignByWhatIsSeen) {
  Screen screen;
  Console console(screen.in, screen.out, screen.error, {});
  console.SetEnvironment(pb::PRODUCTION);
  console.Table({"Name", "State"}, {{"Zo\u00eb", "x"}, {"Marianne", "y"}});
  EXPECT_EQ(screen.out.str(), "Name      State\nZo\u00eb       x\nMarianne  y\n");
}

TEST(ConsoleTest, NobodysTextMovesTheCursorOrBeginsALine) {
  Screen screen;
  Console console(screen.in, screen.out, screen.error, {});
  console.SetEnvironment(pb::PRODUCTION);
  console.Say("ours\nand \033[2Jtheirs");
  console.Shout(Mood::kBad, "STOP", "refused\n*** PASS ***\u009b2J");
  console.Table({"Reason"}, {{"see QA\n*** PASS ***"}});
  console.Complain(NotFound("nothing\n*** RECORDED ***\r"));
  EXPECT_EQ(screen.out.str(),
            "ours\nand ?[2Jtheirs\n*** STOP ***  refused\n  *** PASS ***?2J\n"
            "Reason\nsee QA?*** PASS ***\n");
  EXPECT_EQ(screen.error.str(), "error: nothing\n  *** RECORDED ***?\n");
}

TEST(ConsoleTest, ColoursOnlyWhereAskedFor) {
  Screen screen;
  Console console(screen.in, screen.out, screen.error, {.colours = true});
  console.SetEnvironment(pb::PRODUCTION);
  console.Shout(Mood::kGood, "PASS", "may be done");
  EXPECT_EQ(screen.out.str(), "\033[1;32m*** PASS ***\033[0m  may be done\n");
}

TEST(ConsoleTest, OnlyYesConfirmsAndTheEndOfInputDoesNot) {
  Screen screen;
  screen.in.str("yes\nno\n\n");
  Console console(screen.in, screen.out, screen.error, {.terminal = true});
  EXPECT_TRUE(console.Confirm("right?"));
  EXPECT_FALSE(console.Confirm("right?"));
  EXPECT_FALSE(console.Confirm("right?"));
  EXPECT_FALSE(console.Confirm("right?"));
  EXPECT_EQ(console.Ask("more?").status().code(), StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace custody
