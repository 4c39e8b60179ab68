// A webhook on this machine, as little of a web server as curl needs.
#ifndef CUSTODY_TESTS_INTEGRATION_HTTP_LISTENER_H_
#define CUSTODY_TESTS_INTEGRATION_HTTP_LISTENER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "crypto/status.h"

namespace custody {

// `HttpListener` takes one POST after the other and answers each with `status`.
class HttpListener {
 public:
  HttpListener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CUSTODY_CHECK(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CUSTODY_CHECK(::listen(socket_, 16) == 0);
    socklen_t size = sizeof address;
    CUSTODY_CHECK(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~HttpListener() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/alerts"; }
  // What was POSTed so far: head and body.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  std::atomic<int> status{200};

 private:
  void Serve() {
    while (true) {
      const int peer = ::accept(socket_, nullptr, nullptr);
      if (peer < 0) return;
      const std::string request = Read(peer);
      const std::string answer = "HTTP/1.1 " + std::to_string(status) +
                                 " Answer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      static_cast<void>(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL));
      ::close(peer);
    }
  }
  static std::string Read(int peer) {
    std::string bytes;
    char buffer[4096];
    while (true) {
      const std::size_t end = bytes.find("\r\n\r\n");
      const std::size_t length = bytes.find("Content-Length: ");
      if (end != std::string::npos && length != std::string::npos &&
          bytes.size() >= end + 4 + std::strtoul(bytes.c_str() + length + 16, nullptr, 10)) {
        return bytes;
      }
      const ssize_t got = ::recv(peer, buffer, sizeof buffer, 0);
      if (got <= 0) return bytes;
      bytes.append(buffer, static_cast<std::size_t>(got));
    }
  }

  const int socket_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_INTEGRATION_HTTP_LISTENER_H_
