// The server besides its calls: whether it is well, what it tells of itself, and that nobody's
// reads keep others from being greeted.

#include <gmock/gmock.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <future>
#include <thread>

#include "crypto/file.h"
#include "server/ledger/ledger.h"
#include "server/rpc/rpc_server.h"
#include "tests/integration/ledger_between.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/server_world.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::HasSubstr;

// The services of gRPC itself have no headers of ours: their messages are a few bytes.
grpc::ByteBuffer Buffer(const std::string& bytes) {
  grpc::Slice slice(bytes);
  return {&slice, 1};
}
std::string Bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& piece : slices) {
    bytes.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
  }
  return bytes;
}

// `request` as one message to `method`, and the one message that comes back.
std::pair<grpc::Status, std::string> AskBytes(RawCaller& caller, const char* method,
                                              const std::string& request) {
  grpc::ByteBuffer answer;
  grpc::ClientContext context;
  RawCaller::Bound(context);
  const grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::NORMAL_RPC);
  const grpc::Status status =
      grpc::internal::BlockingUnaryCallImpl<grpc::ByteBuffer, grpc::ByteBuffer>(
          caller.channel().get(), rpc, &context, Buffer(request), &answer)
          .status();
  return {status, status.ok() ? Bytes(answer) : ""};
}

std::string HealthRequest(const std::string& service) {
  return service.empty() ? ""
                         : "\x0A" + std::string(1, static_cast<char>(service.size())) + service;
}
constexpr const char* kServing = "\x08\x01";
constexpr const char* kNotServing = "\x08\x02";

TEST(ServerLifeTest, HealthIsServedForEachService) {
  const ServerWorld world;
  const RunningServer server(world.data());
  RawCaller caller(server.address(), world.authority(), "clinic.station.1");
  const auto check = [&](const std::string& service) {
    return AskBytes(caller, "/grpc.health.v1.Health/Check", HealthRequest(service));
  };
  for (const char* service :
       {"", "custody.v1.Ledger", "custody.v1.Custody", "custody.v1.Attachments"}) {
    const auto [status, bytes] = check(service);
    EXPECT_TRUE(status.ok()) << service << ": " << status.error_message();
    EXPECT_EQ(bytes, kServing) << service;
  }
  EXPECT_EQ(check("custody.v1.Nothing").first.error_code(), grpc::NOT_FOUND);
}

TEST(ServerLifeTest, AServerThatDrainsSaysThatItDoesNotServeBeforeItIsGone) {
  const ServerWorld world;
  RunningServer server(world.data());
  RawCaller caller(server.address(), world.authority(), "clinic.station.1");
  {
    grpc::ClientContext context;
    RawCaller::Bound(context);
    const grpc::internal::RpcMethod watch("/grpc.health.v1.Health/Watch",
                                          grpc::internal::RpcMethod::SERVER_STREAMING);
    const std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> stream(
        grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(
            caller.channel().get(), watch, &context, Buffer(HealthRequest("custody.v1.Ledger"))));
    grpc::ByteBuffer told;
    ASSERT_TRUE(stream->Read(&told));
    EXPECT_EQ(Bytes(told), kServing);
    server.Send(SIGTERM);
    ASSERT_TRUE(stream->Read(&told));
    EXPECT_EQ(Bytes(told), kNotServing);
    context.TryCancel();
  }
  EXPECT_EQ(server.Wait(), 0);
}

TEST(ServerLifeTest, ReflectionIsServedOutsideProductionOnly) {
  constexpr const char* kReflection =
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  const std::string list_services = "\x3A\x01*";
  for (const pb::Environment environment : {pb::DEMO, pb::VALIDATION, pb::PRODUCTION}) {
    const ServerWorld world({.small = true}, "one", environment);
    const RunningServer server(world.data());
    RawCaller caller(server.address(), world.authority(), "clinic.station.1");
    pb::HelloReply hello;
    CUSTODY_ASSERT_OK(
        caller.Ask(*caller.ledger, &pb::Ledger::Stub::Hello, pb::HelloRequest(), &hello).status);
    EXPECT_EQ(hello.environment(), environment);
    const auto [status, bytes] = AskBytes(caller, kReflection, list_services);
    if (environment == pb::PRODUCTION) {
      EXPECT_EQ(status.error_code(), grpc::UNIMPLEMENTED) << status.error_message();
    } else {
      EXPECT_TRUE(status.ok()) << status.error_message();
      EXPECT_THAT(bytes, HasSubstr("custody.v1.Ledger"));
    }
  }
}

// A ledger whose schema takes as long to read as the test says.
class SlowLedger final : public LedgerBetween {
 public:
  SlowLedger(std::unique_ptr<Ledger> real, std::function<void()> wait)
      : LedgerBetween(std::move(real)), wait_(std::move(wait)) {}

  StatusOr<std::string> GetSchema(std::string_view sha256) override {
    wait_();
    return LedgerBetween::GetSchema(sha256);
  }

 private:
  const std::function<void()> wait_;
};

TEST(ServerLifeTest, SessionsBeginAndWatchersAreToldWhileEveryReadingThreadIsBusy) {
  ServerWorld world;
  LedgerOptions options;
  options.folder = world.data();
  std::promise<void> begun;
  std::promise<void> release;
  SlowLedger ledger(
      Must(Ledger::Open(options, Must(PrivateKey::LoadPlain(world.data() / "log.key")))),
      [&begun, released = release.get_future().share()] {
        begun.set_value();
        released.wait();
      });
  RpcOptions rpc;
  rpc.listen = "127.0.0.1:0";
  rpc.authority_pem = world.authority().pem();
  rpc.certificate_pem = Must(ReadFile(world.data() / "tls" / "server.pem", 1 << 16));
  rpc.key_pem = Must(ReadSecretFile(world.data() / "tls" / "server.key", 1 << 16));
  rpc.read_threads = 1;
  RequireTls13();
  const auto server = Must(RpcServer::Start(ledger, rpc));
  RawCaller caller(server->address(), world.authority(), "clinic.station.1");
  std::thread reader([&] {
    RawCaller busy(server->address(), world.authority(), "clinic.station.2");
    pb::GetSchemaReply schema;
    CUSTODY_EXPECT_OK(
        busy.Ask(*busy.custody, &pb::Custody::Stub::GetSchema, pb::GetSchemaRequest(), &schema)
            .status);
  });
  begun.get_future().wait();
  pb::HelloReply hello;
  CUSTODY_EXPECT_OK(
      caller.Ask(*caller.ledger, &pb::Ledger::Stub::Hello, pb::HelloRequest(), &hello).status);
  EXPECT_EQ(hello.station(), "clinic.station.1");
  pb::RecordReply recorded;
  CUSTODY_EXPECT_OK(caller.Record(world.Next("therapy/A"), &recorded).status);
  {
    grpc::ClientContext context;
    RawCaller::Bound(context);
    const auto watch = caller.custody->WatchTherapies(&context, {});
    pb::WatchTherapiesReply told;
    EXPECT_TRUE(watch->Read(&told));
    context.TryCancel();
  }
  release.set_value();
  reader.join();
}

}  // namespace
}  // namespace custody
