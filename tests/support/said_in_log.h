// What the code under test writes to the log of its program.
#ifndef CUSTODY_TESTS_SUPPORT_SAID_IN_LOG_H_
#define CUSTODY_TESTS_SUPPORT_SAID_IN_LOG_H_

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <string>

namespace custody {

// `SaidInLog` takes what is logged while it lives.
class SaidInLog {
 public:
  SaidInLog() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said_)));
  }
  ~SaidInLog() { spdlog::set_default_logger(before_); }
  SaidInLog(const SaidInLog&) = delete;
  SaidInLog& operator=(const SaidInLog&) = delete;

  // Not while another thread may log.
  std::string text() const { return said_.str(); }

 private:
  std::ostringstream said_;
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_SAID_IN_LOG_H_
