// What all services share: the ledger, the reading threads, the streams that a drain must end, and
// the way every call goes: identify, authorise, work, answer.
#ifndef CUSTODY_SERVER_RPC_CONTEXT_H_
#define CUSTODY_SERVER_RPC_CONTEXT_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/status.h"
#include "server/alerting/alerting.h"
#include "server/ledger/ledger.h"
#include "server/rpc/authorise.h"
#include "server/rpc/limits.h"
#include "server/rpc/status_map.h"
#include "server/rpc/turns.h"
#include "server/rpc/workers.h"

namespace custody {

// A call that lives until its client leaves, unless the server asks it to end.
class LongStream {
 public:
  virtual ~LongStream() = default;
  // `Stop` makes the stream accept nothing more, answer what it accepted, and finish.
  virtual void Stop() = 0;
};

// `Streams` knows the long streams that are open. Thread-safe.
class Streams {
 public:
  // `Add` answers false when the server is stopping already.
  bool Add(LongStream* stream);
  void Remove(LongStream* stream);
  // `StopAll` asks every stream to stop, those that are added later too.
  void StopAll();

 private:
  std::mutex mutex_;
  std::set<LongStream*> open_;
  bool stopping_ = false;
};

// `CertificateDigests` gives the digests of a peer's certificate: of the whole as the registry has
// it, and of its key. Every call asks, so what was read once is remembered. Thread-safe.
class CertificateDigests {
 public:
  struct Digests {
    Hash certificate;
    Hash key;
  };
  // UNAUTHENTICATED when the peer showed none that can be read.
  StatusOr<Digests> Of(const grpc::AuthContext& peer);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, Digests> known_;  // by PEM; under mutex_
};

// `Reactor` is the base of every reactor of ours: it owns itself, from its construction until gRPC
// is done with it. A derived class must not finish while other threads may still call it.
template <class Base>
class Reactor : public Base {
 protected:
  void OnDone() final { delete this; }
};

// A caller, what it asked for, and how far it may go.
struct Permit {
  Caller caller;
  Scope scope = Scope::kNone;
  Call call = Call::kHello;
  std::shared_ptr<const grpc::AuthContext> peer;  // whose connection it is
};

// `RpcContext` outlives every call. Thread-safe.
class RpcContext {
 public:
  // `ledger` and `alerting` (null: nobody is told of alerts) must outlive the context. A
  // certificate with a key of `revoked` (SHA-256 of SPKIs) opens nothing.
  RpcContext(Ledger& ledger, Alerting* alerting, unsigned read_threads, std::set<Hash> revoked)
      : ledger_(ledger),
        alerting_(alerting),
        revoked_(std::move(revoked)),
        workers_(read_threads, kReadQueue),
        greeters_(1, kGreetingQueue),
        listers_(kListingThreads, kReadQueue),
        testers_(1, kReadQueue),
        fetchers_(kFetchThreads, kReadQueue) {}

  Ledger& ledger() { return ledger_; }
  Alerting* alerting() { return alerting_; }
  // What pages are sealed with; of this run of the server.
  const StatusOr<std::string>& page_key() const { return page_key_; }
  // Threads by what may not wait for what: reads; the greeting that begins every session; listings
  // over many therapies; tests of who is told of alerts; and what the watchers are told.
  Workers& workers() { return workers_; }
  Workers& fetchers() { return fetchers_; }
  // How many of these may be open.
  Turns& watches() { return watches_; }
  Turns& transmissions() { return transmissions_; }
  Streams& streams() { return streams_; }

  // `Admit` identifies the peer of `context` and judges `call` by the table.
  StatusOr<Permit> Admit(const grpc::ServerContextBase& context, Call call) {
    return AdmitPeer(context.auth_context(), call);
  }
  // `StillAdmitted` asks again, by the registry of now: a stream outlives the moment at which it
  // was admitted, and a station that was retired meanwhile is served nothing more.
  Status StillAdmitted(const Permit& permit) {
    return AdmitPeer(permit.peer, permit.call).status();
  }

  // `LogRead` notes who read what of a therapy, before the answer leaves. An error means: do not
  // answer.
  Status LogRead(const Permit& permit, std::string_view therapy, std::string_view detail = {});

  // `Serve` is a whole unary call: admits it, runs `work` (Permit -> Status, or Permit and a place
  // for ChainMoved -> Status) on a reading thread and finishes. A listing has threads of its own,
  // and a station at most two at a time; so has what waits for recipients of alerts.
  enum class Lane { kReads, kListings, kTests };
  template <class Work>
  grpc::ServerUnaryReactor* Serve(grpc::CallbackServerContext* context, Call call, Work work,
                                  Lane lane = Lane::kReads);

  // `Guarded` runs `work` and turns a stray exception into INTERNAL.
  static Status Guarded(const std::function<Status()>& work);

 private:
  StatusOr<Permit> AdmitPeer(std::shared_ptr<const grpc::AuthContext> peer, Call call);

  Ledger& ledger_;
  Alerting* const alerting_;
  const std::set<Hash> revoked_;
  Streams streams_;
  CertificateDigests digests_;
  const StatusOr<std::string> page_key_ = SystemRng().Bytes(32);
  Turns transmissions_{kMaxStreamsOfStation, kMaxStreams,
                       "too many streams are open, of this station or in all: end one, or try "
                       "again shortly"};
  Turns watches_{kMaxWatchesOfStation, kMaxWatches,
                 "too many watches are open, of this station or in all: end one, or try again "
                 "later"};
  Turns listings_{kMaxListingsOfStation, kMaxListings,
                  "two lists are being made for this station already: wait for them, or try again "
                  "shortly"};
  // Last: their threads use the others.
  Workers workers_;
  Workers greeters_;
  Workers listers_;
  Workers testers_;
  Workers fetchers_;
};

template <class Work>
grpc::ServerUnaryReactor* RpcContext::Serve(grpc::CallbackServerContext* context, Call call,
                                            Work work, Lane lane) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  StatusOr<Permit> permit = Admit(*context, call);
  if (!permit.ok()) {
    reactor->Finish(ToGrpc(permit.status()));
    return reactor;
  }
  std::shared_ptr<Turn> turn;
  if (lane == Lane::kListings) {
    turn = std::make_shared<Turn>(listings_);
    if (const Status begun = turn->Begin(permit->caller.station); !begun.ok()) {
      reactor->Finish(ToGrpc(begun));
      return reactor;
    }
  }
  auto job = [context, reactor, turn = std::move(turn), permit = *std::move(permit),
              work = std::move(work)]() mutable {
    std::optional<pb::ChainMoved> moved;
    const auto run = [&]() -> Status {
      if constexpr (std::is_invocable_v<Work, const Permit&, std::optional<pb::ChainMoved>&>) {
        return work(permit, moved);
      } else {
        return work(permit);
      }
    };
    const Status status = context->IsCancelled()
                              ? DeadlineExceeded("the caller left before its turn came")
                              : Guarded(run);
    turn.reset();  // the answer may bring the next question at once
    ErrorDetails details;
    if (moved.has_value()) details.moved = &*moved;
    reactor->Finish(ToGrpc(ForPeer(status, CallName(permit.call)), details));
  };
  Workers& threads = call == Call::kHello      ? greeters_
                     : lane == Lane::kListings ? listers_
                     : lane == Lane::kTests    ? testers_
                                               : workers_;
  if (!threads.Submit(std::move(job))) {
    reactor->Finish(ToGrpc(ResourceExhausted("too many reads are waiting: try again shortly")));
  }
  return reactor;
}

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_CONTEXT_H_
