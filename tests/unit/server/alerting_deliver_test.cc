// Programs of the administrator's: what they are given, what is made of their end, and that none
// keeps the server waiting. What a webhook is told stands in curl's settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <future>

#include "crypto/file.h"
#include "server/alerting/deliver.h"
#include "server/alerting/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

StatusOr<std::string> Shell(const std::string& script, std::string_view input = "",
                            std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  return RunCommand({{"/bin/sh", "-c", script}, input, limit});
}

TEST(RunCommandTest, FindsItsInputAndGivesItsOutput) {
  EXPECT_EQ(Shell("cat", "{\"alert\":1}\n").value(), "{\"alert\":1}\n");
  EXPECT_EQ(Shell("cat /dev/stdin", std::string(1 << 20, 'x')).status().code(),
            StatusCode::kUnavailable)
      << "more than is kept is the program's error";
  EXPECT_EQ(RunCommand({{"/bin/echo", "a b", "$HOME; *"}, ""}).value(), "a b $HOME; *\n")
      << "no shell";
  EXPECT_EQ(Shell("true", std::string(1 << 20, 'x')).value(), "") << "input that nobody reads";
}

TEST(RunCommandTest, SaysHowItEnded) {
  EXPECT_THAT(Shell("echo no route >&2; exit 3"),
              StatusIs(StatusCode::kUnavailable, "exit code 3; it printed: no route"));
  EXPECT_THAT(Shell("kill -9 $$"), StatusIs(StatusCode::kUnavailable, "signal 9"));
  EXPECT_THAT(RunCommand({{"/no/such/program"}, ""}),
              StatusIs(StatusCode::kUnavailable, "/no/such/program cannot be started: No such"));
  EXPECT_THAT(Message(Shell("printf 'a\\033[2Jb\\n'; exit 1").status()), Not(HasSubstr("\033")));
}

TEST(RunCommandTest, HowItFailedCanBeSaidWithoutWhatItPrinted) {
  const Status echoed = Shell("cat; exit 3", "{\"therapy\":\"T1\"}").status();
  EXPECT_THAT(Message(echoed), HasSubstr("T1"));
  EXPECT_THAT(WithoutOutput(echoed), StatusIs(StatusCode::kUnavailable, "ended with exit code 3"));
  EXPECT_THAT(Message(WithoutOutput(echoed)), Not(HasSubstr("T1")));
  const Status none = RunCommand({{"/no/such/program"}, ""}).status();
  EXPECT_EQ(WithoutOutput(none), none);
  EXPECT_EQ(WithoutOutput(Status()), Status());
}

TEST(RunCommandTest, WhatTakesTooLongIsKilledWithAllThatItStarted) {
  const TempDir folder;
  const std::string mark = (folder / "mark").string();
  EXPECT_THAT(Shell("(trap '' TERM; sleep 600; touch " + mark + ") & echo begun; sleep 600", "",
                    std::chrono::milliseconds(300)),
              StatusIs(StatusCode::kDeadlineExceeded, "did not end within"));
  EXPECT_EQ(Shell("pgrep -f '[t]ouch " + mark + "' || echo gone").value(), "gone\n");
}

TEST(RunCommandTest, HasSignalsAsUsualAndNoneOfTheServersFiles) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  EXPECT_THAT(Shell("kill -TERM $$; echo still here"),
              StatusIs(StatusCode::kUnavailable, "signal 15"));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const TempDir folder;
  std::FILE* open = std::fopen((folder / "key").c_str(), "w");  // without close-on-exec
  EXPECT_EQ(Shell("ls /proc/self/fd | wc -l").value(), "4\n") << "and that of ls itself";
  std::fclose(open);
}

TEST(RunCommandTest, HasNothingOfTheServersEnvironment) {
  ASSERT_EQ(setenv("http_proxy", "http://elsewhere.example", 1), 0);
  EXPECT_EQ(RunCommand({{"/usr/bin/env"}, ""}).value(),
            "PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C.UTF-8\n");
  unsetenv("http_proxy");
}

TEST(RunCommandTest, OutputThatIsSaidToBeHugeIsNot) {
  const std::string script = "sysseek(STDOUT, 1 << 45, 0) or die";
  EXPECT_EQ(RunCommand({{"/usr/bin/perl", "-e", script}, ""}).value().size(), 8U << 10);
}

TEST(RunCommandTest, AStoppingServerEndsIt) {
  std::atomic<bool> stop{false};
  std::future<Status> ended = std::async(std::launch::async, [&] {
    return RunCommand({{"/bin/sleep", "600"}, "", std::chrono::minutes(10), &stop}).status();
  });
  stop = true;
  EXPECT_THAT(ended.get(), StatusIs(StatusCode::kUnavailable, "the server stops"));
}

TEST(DelivererTest, AProgramIsGivenTheMessageAsOneLine) {
  const TempDir folder;
  Recipient recipient;
  recipient.name = "file";
  recipient.program = {"/bin/sh", "-c", "cat >> \"$0\"", (folder / "out").string()};
  const auto deliverer = MakeDeliverer();
  CUSTODY_EXPECT_OK(deliverer->Deliver(recipient, "{\"a\":1}"));
  CUSTODY_EXPECT_OK(deliverer->Deliver(recipient, "{\"a\":2}"));
  EXPECT_EQ(ReadFile(folder / "out", 1000).value(), "{\"a\":1}\n{\"a\":2}\n");
}

TEST(DelivererTest, AWebhooksAddressAndMessageCannotBecomeSettings) {
  Recipient recipient;
  recipient.webhook = "https://alarm.example/x?token=t";
  recipient.time_limit_seconds = 7;
  const std::string settings = CurlSettings(recipient, R"({"what":"a \"quoted\" @word\\"})");
  EXPECT_THAT(settings, HasSubstr("\nurl = \"https://alarm.example/x?token=t\"\n"));
  EXPECT_THAT(settings, HasSubstr("max-time = 6\n"));
  EXPECT_THAT(settings, HasSubstr("proto = \"=http,https\"\n"));
  EXPECT_THAT(settings, HasSubstr(R"(data-raw = "{\"what\":\"a \\\"quoted\\\" @word\\\\\"}")"
                                  "\n"));
}

}  // namespace
}  // namespace custody
