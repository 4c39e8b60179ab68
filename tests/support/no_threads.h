// A machine that gives no thread more.
#ifndef CUSTODY_TESTS_SUPPORT_NO_THREADS_H_
#define CUSTODY_TESTS_SUPPORT_NO_THREADS_H_

#include <pthread.h>

#include <cstddef>

namespace custody {

// While `NoThreads` lives every thread would have a stack that no machine has, so none begins.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t none;
    pthread_attr_init(&none);
    pthread_attr_setstacksize(&none, std::size_t{1} << 50);
    pthread_setattr_default_np(&none);
    pthread_attr_destroy(&none);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_NO_THREADS_H_
