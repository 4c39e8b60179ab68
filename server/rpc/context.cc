#include "server/rpc/context.h"

#include <exception>
#include <vector>

#include "crypto/certificate.h"

namespace custody {

bool Streams::Add(LongStream* stream) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  open_.insert(stream);
  return true;
}

void Streams::Remove(LongStream* stream) {
  const std::lock_guard lock(mutex_);
  open_.erase(stream);
}

void Streams::StopAll() {
  // Under the lock, so that no stream is destroyed meanwhile: its destructor removes it first.
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (LongStream* stream : open_) stream->Stop();
}

StatusOr<CertificateDigests::Digests> CertificateDigests::Of(const grpc::AuthContext& peer) {
  const std::vector<grpc::string_ref> pem = peer.FindPropertyValues("x509_pem_cert");
  if (pem.size() != 1) return Unauthenticated("the connection has no client certificate");
  const std::string text(pem[0].data(), pem[0].size());
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(text); known != known_.end()) return known->second;
  }
  const StatusOr<CertificateFields> fields = ReadCertificate(text);
  if (!fields.ok()) return Unauthenticated("the client certificate cannot be read");
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMaxKnownCertificates) known_.clear();
  const Digests digests{fields->sha256, fields->key_sha256};
  known_.emplace(text, digests);
  return digests;
}

StatusOr<Permit> RpcContext::AdmitPeer(std::shared_ptr<const grpc::AuthContext> peer, Call call) {
  std::vector<grpc::string_ref> names;
  if (peer != nullptr && peer->IsPeerAuthenticated()) {
    names = peer->FindPropertyValues("x509_common_name");
  }
  if (names.size() != 1) {
    return Unauthenticated("the connection has no client certificate that names a station");
  }
  const std::shared_ptr<const Registry> registry = ledger_.registry();
  Permit permit;
  permit.call = call;
  CUSTODY_ASSIGN_OR_RETURN(
      permit.caller, IdentifyCaller(std::string_view(names[0].data(), names[0].size()), *registry));
  const EnrolledStation* station = registry->FindStation(permit.caller.station);
  const bool bound = station != nullptr && !station->certificate_sha256.empty();
  if (bound || !revoked_.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(const CertificateDigests::Digests shown, digests_.Of(*peer));
    // The administration is no station of the registry: its key is taken away here, at the server.
    if (revoked_.contains(shown.key)) {
      return PermissionDenied("the key of this certificate of " + permit.caller.station +
                              " was revoked at the server: ask whoever administers it for another");
    }
    if (bound) CUSTODY_RETURN_IF_ERROR(CheckCertificate(*station, shown.certificate));
  }
  CUSTODY_ASSIGN_OR_RETURN(permit.scope, Authorise(call, permit.caller));
  permit.peer = std::move(peer);
  return permit;
}

Status RpcContext::LogRead(const Permit& permit, std::string_view therapy,
                           std::string_view detail) {
  pb::AccessRecord record;
  *record.mutable_at() = ToProto(ledger_.Now());
  record.set_station(permit.caller.station);
  record.set_site(permit.caller.site);
  record.set_call(std::string(CallName(permit.call)));
  record.set_therapy(std::string(therapy));
  record.set_detail(std::string(detail));
  // No power cut may erase who looked at a name.
  const bool durable = permit.call == Call::kGetSubject;
  return WithContext(ledger_.LogRead(record, durable), "the read could not be logged");
}

Status RpcContext::Guarded(const std::function<Status()>& work) {
  try {
    return work();
  } catch (const std::exception& e) {
    return Internal(std::string("unexpected: ") + e.what());
  }
}

}  // namespace custody
