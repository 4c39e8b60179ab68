// A webhook is a program too: curl. What a stranger's web server answers is then read by a process
// that has none of the ledger's keys and no way into its memory, its time limit covers everything
// from the name's resolution on, and there is one way of failing for both kinds of recipients. The
// address and the message go to it on standard input, since everybody on the machine can read
// the arguments of a process, and addresses often hold a token.
#include "server/alerting/deliver.h"

#include <atomic>

#include "crypto/utf8.h"
#include "server/alerting/program.h"

namespace custody {
namespace {

constexpr const char* kCurl = "/usr/bin/curl";

// As curl's configuration quotes text.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\"\n";
}

class ProgramDeliverer final : public Deliverer {
 public:
  Status Deliver(const Recipient& recipient, std::string_view json) override {
    ProgramRun run;
    run.time_limit = std::chrono::seconds(recipient.time_limit_seconds);
    run.stop = &stop_;
    if (recipient.webhook.empty()) {
      const std::string line = std::string(json) + "\n";
      run.argv = recipient.program;
      run.input = line;
      return RunCommand(run).status();
    }
    const std::string settings = CurlSettings(recipient, json);
    run.argv = {kCurl, "-q", "-K", "-"};
    run.input = settings;
    CUSTODY_ASSIGN_OR_RETURN(const std::string answer, RunCommand(run));
    if (answer.starts_with('2')) return Status();
    return Unavailable("the webhook answered with status " + Plain(answer) +
                       "; 200 to 299 says that it took the alert");
  }
  void Stop() override { stop_ = true; }

 private:
  std::atomic<bool> stop_{false};
};

}  // namespace

std::unique_ptr<Deliverer> MakeDeliverer() { return std::make_unique<ProgramDeliverer>(); }

std::string CurlSettings(const Recipient& recipient, std::string_view json) {
  // One second less than the time limit: curl says itself what took so long.
  const int seconds = recipient.time_limit_seconds > 1 ? recipient.time_limit_seconds - 1 : 1;
  return "silent\nshow-error\nfail\ngloboff\nproto = \"=http,https\"\n"
         "max-time = " +
         std::to_string(seconds) +
         "\n"
         "output = \"/dev/null\"\nwrite-out = \"%{http_code}\"\n"
         "header = \"Content-Type: application/json; charset=utf-8\"\nheader = \"Expect:\"\n"
         "url = " +
         Quoted(recipient.webhook) + "data-raw = " + Quoted(json);
}

}  // namespace custody
