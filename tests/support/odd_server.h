// A ledger's server in this process, over a ledger in memory, that says whatever a test has it say.
#ifndef CUSTODY_TESTS_SUPPORT_ODD_SERVER_H_
#define CUSTODY_TESTS_SUPPORT_ODD_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/merkle.h"
#include "crypto/note.h"
#include "custody/v1/service.grpc.pb.h"
#include "tests/support/test_ledger.h"

namespace custody {

// `ReceiptIn` is the true receipt of the entry at `index`.
inline pb::Receipt ReceiptIn(const TestLedger& ledger, std::uint64_t index) {
  pb::Receipt receipt;
  receipt.set_index(index);
  receipt.set_entry(ledger.log()[index].entry_bytes);
  for (const Hash& hash : ledger.Path(index)) receipt.add_path(hash.ToString());
  receipt.set_checkpoint(ledger.SignedCheckpoint());
  return receipt;
}

// `OddServer` is honest until a test changes one of its public parts.
class OddServer final : public pb::Ledger::Service, public pb::Custody::Service {
 public:
  explicit OddServer(TestLedger& ledger) : ledger_(ledger) {
    record = [this](const pb::SignedEvent& event, pb::RecordReply& reply) {
      *reply.mutable_receipt() = ReceiptIn(ledger_, ledger_.Record(event).index);
      return grpc::Status::OK;
    };
  }
  // Starts to serve, in this process, or with `credentials` at `*port` of the loopback too.
  std::unique_ptr<grpc::Server> Start(
      const std::shared_ptr<grpc::ServerCredentials>& credentials = nullptr, int* port = nullptr) {
    grpc::ServerBuilder builder;
    if (credentials != nullptr) builder.AddListeningPort("127.0.0.1:0", credentials, port);
    builder.RegisterService(static_cast<pb::Ledger::Service*>(this));
    builder.RegisterService(static_cast<pb::Custody::Service*>(this));
    return builder.BuildAndStart();
  }

  grpc::Status Hello(grpc::ServerContext*, const pb::HelloRequest* request,
                     pb::HelloReply* reply) override {
    if (busy) return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls are waiting"};
    *reply = greeting;
    reply->set_checkpoint(ledger_.SignedCheckpoint());
    reply->set_genesis(ledger_.genesis().ToString());
    if (request->last_checkpoint().empty()) return grpc::Status::OK;
    const NoteVerifier key = Must(NoteVerifier::Parse(ledger_.log_vkey()));
    const Checkpoint last = Must(OpenCheckpoint(request->last_checkpoint(), key));
    AddPath(last.size, ledger_.log().size(), *reply->mutable_consistency());
    return grpc::Status::OK;
  }
  grpc::Status Record(grpc::ServerContext*, const pb::RecordRequest* request,
                      pb::RecordReply* reply) override {
    return record(request->signed_(), *reply);
  }
  grpc::Status GetConsistencyProof(grpc::ServerContext*,
                                   const pb::GetConsistencyProofRequest* request,
                                   pb::ConsistencyProofReply* reply) override {
    ++proofs;
    if (proves_nothing) return {grpc::StatusCode::INTERNAL, "not today"};
    AddPath(request->old_size(), request->size(), *reply->mutable_path());
    return grpc::Status::OK;
  }
  grpc::Status GetHeadsProof(grpc::ServerContext*, const pb::GetHeadsProofRequest* request,
                             pb::HeadsProofReply* reply) override {
    const std::string& chain = request->chain();
    const HeadsProof proof = ledger_.ProveHead(chain);
    reply->set_present(ledger_.Length(chain) > 0);
    reply->set_length(ledger_.Length(chain));
    if (reply->present()) reply->set_head(ledger_.Head(chain).ToString());
    for (const Hash& hash : proof.siblings) reply->add_siblings(hash.ToString());
    if (proof.neighbour) {
      reply->set_neighbour_key(proof.neighbour->key.ToString());
      reply->set_neighbour_head(proof.neighbour->head.ToString());
      reply->set_neighbour_length(proof.neighbour->length);
    }
    *reply->mutable_last_entry() = ReceiptIn(ledger_, ledger_.log().size() - 1);
    return grpc::Status::OK;
  }
  grpc::Status ReadEntries(grpc::ServerContext*, const pb::ReadEntriesRequest* request,
                           grpc::ServerWriter<pb::EntryReply>* writer) override {
    std::uint64_t left = request->limit() == 0 ? ledger_.log().size() : request->limit();
    for (const Recorded& recorded : ledger_.log()) {
      const bool in_chain =
          request->chain().empty() || recorded.parsed.event.chain() == request->chain();
      if (!in_chain || recorded.index < request->from() || left == 0) continue;
      if (request->chain().empty() && recorded.index + held_back >= ledger_.log().size()) continue;
      --left;
      pb::EntryReply reply;
      reply.set_index(recorded.index);
      reply.set_entry(recorded.entry_bytes);
      *reply.mutable_signed_() = recorded.signed_event;
      for (const Hash& hash : ledger_.Path(recorded.index)) reply.add_path(hash.ToString());
      if (change_entry) change_entry(reply);
      writer->Write(reply);
    }
    return grpc::Status::OK;
  }
  grpc::Status Preview(grpc::ServerContext*, const pb::PreviewRequest*,
                       pb::PreviewReply* reply) override {
    *reply->mutable_verdict() = verdict;
    return grpc::Status::OK;
  }

  grpc::Status ListTherapies(grpc::ServerContext*, const pb::ListTherapiesRequest*,
                             pb::ListTherapiesReply* reply) override {
    for (const std::string& id : lists) {
      reply->add_therapies()->mutable_state()->set_therapy(id);
    }
    return grpc::Status::OK;
  }

  std::function<grpc::Status(const pb::SignedEvent&, pb::RecordReply&)> record;
  std::function<void(pb::EntryReply&)> change_entry;
  pb::HelloReply greeting;
  pb::Verdict verdict;
  std::vector<std::string> lists;  // ids of therapies
  std::uint64_t held_back = 0;     // entries at the log's end that are not served with it
  bool busy = false;
  bool proves_nothing = false;
  int proofs = 0;

 private:
  void AddPath(std::uint64_t from, std::uint64_t to,
               google::protobuf::RepeatedPtrField<std::string>& path) {
    const auto hashes = ConsistencyPath(from, to, ledger_.nodes().source());
    for (const Hash& hash : hashes.ok() ? *hashes : std::vector<Hash>()) {
      path.Add(hash.ToString());
    }
  }

  TestLedger& ledger_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_ODD_SERVER_H_
