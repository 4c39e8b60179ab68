// What is kept beside the log, over real connections: attachments and patients' identifiers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "custody/event.h"
#include "server/rpc/limits.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::SizeIs;

class ServerVaultTest : public ::testing::Test {
 protected:
  ServerVaultTest() { Must(Caller("admin").ConfirmClock()); }
  RawCaller Caller(std::string_view name) {
    return RawCaller(server_->address(), world_.authority(), name);
  }
  // The consent, naming `bytes` as its document and `size` as its size.
  pb::SignedEvent Consent(const std::string& bytes, std::uint64_t size) {
    TestLedger& ledger = world_.ledger();
    ledger.set_now(SystemClock().Now());
    EventBuilder event = ledger.On("therapy/T1").By("clinic.phy.1");
    for (const MainStep& step : MainPath(ledger.now() + -kMicrosPerDay)) {
      if (step.body == "consent_obtained") event.event().MergeFrom(step.event);
    }
    pb::AttachmentRef& document = *event.event().mutable_consent_obtained()->mutable_document();
    document.set_sha256(Sha256(bytes).ToString());
    document.set_size(size);
    return event.Sign();
  }
  RpcError PutSubject(RawCaller& caller, const pb::PutSubjectRequest& request) {
    pb::PutSubjectReply reply;
    return caller.Ask(*caller.custody, &pb::Custody::Stub::PutSubject, request, &reply);
  }
  RpcError GetSubject(RawCaller& caller, const pb::GetSubjectRequest& request,
                      pb::GetSubjectReply* reply) {
    return caller.Ask(*caller.custody, &pb::Custody::Stub::GetSubject, request, reply);
  }

  TherapyWorld world_{"cns_evaluated"};
  std::unique_ptr<RunningServer> server_ = std::make_unique<RunningServer>(world_.data());
};

std::string Pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 12));
  return bytes;
}

TEST_F(ServerVaultTest, AttachmentsOfEverySizeComeBackAlsoAfterAKill) {
  constexpr std::size_t kMib = 1 << 20;
  const std::vector<std::size_t> sizes = {1, kMib - 1, kMib, kMib + 1, 5 * kMib + 7};
  {
    RawCaller clinic = Caller("clinic.station.1");
    for (const std::size_t size : sizes) {
      pb::PutAttachmentReply reply;
      CUSTODY_ASSERT_OK(clinic.Put("T1", Pattern(size), &reply, 700'000).status);
      EXPECT_EQ(reply.size(), size);
      EXPECT_EQ(reply.sha256(), Sha256(Pattern(size)).view());
    }
  }
  EXPECT_EQ(server_->Signal(SIGKILL), 128 + SIGKILL);
  server_ = std::make_unique<RunningServer>(world_.data());
  RawCaller clinic = Caller("clinic.station.1");
  for (const std::size_t size : sizes) {
    std::string bytes;
    CUSTODY_ASSERT_OK(clinic.Get("T1", Sha256(Pattern(size)), &bytes).status);
    EXPECT_TRUE(bytes == Pattern(size)) << size;
  }
}

TEST_F(ServerVaultTest, AnEventWaitsForItsAttachmentAndSaysItsTrueSize) {
  RawCaller clinic = Caller("clinic.station.1");
  const std::string document = Pattern((1 << 20) + 5);
  pb::RecordReply reply;
  EXPECT_THAT(clinic.Record(Consent(document, document.size()), &reply).status,
              StatusIs(StatusCode::kFailedPrecondition, "is not here yet; put it first"));
  pb::PutAttachmentReply put;
  CUSTODY_ASSERT_OK(clinic.Put("T1", document, &put).status);
  for (const std::size_t wrong :
       {document.size() - 1, document.size() + 1, std::size_t{5}, document.size() + (1 << 20)}) {
    EXPECT_THAT(clinic.Record(Consent(document, wrong), &reply).status,
                StatusIs(StatusCode::kFailedPrecondition, "does not have the"))
        << wrong;
  }
  CUSTODY_EXPECT_OK(clinic.Record(Consent(document, document.size()), &reply).status);
}

// The administration reviews it, and may see no name.
TEST_F(ServerVaultTest, TheReasonToBreakTheGlassNamesNobodyInTheAccessLog) {
  RawCaller clinic = Caller("clinic.station.1");
  pb::PutSubjectRequest put;
  put.set_therapy("T1");
  pb::SubjectIdentifier& name = *put.add_identifiers();
  name.set_type("name");
  name.set_value("Jane Roe");
  CUSTODY_ASSERT_OK(PutSubject(clinic, put).status);
  pb::GetSubjectRequest request;
  request.set_therapy("T1");
  request.set_with_clear_text(true);
  request.set_role(pb::QA);
  pb::GetSubjectReply reply;
  request.set_reason(" \n");
  EXPECT_THAT(GetSubject(clinic, request, &reply).status,
              StatusIs(StatusCode::kPermissionDenied, "give a reason"));
  request.set_reason("Jane Roe\nwaits, mrs. ROE's bag is not labelled");
  CUSTODY_ASSERT_OK(GetSubject(clinic, request, &reply).status);

  RawCaller admin = Caller("admin");
  grpc::ClientContext context;
  RawCaller::Bound(context);
  const auto stream = admin.custody->ReadAccessLog(&context, {});
  std::string broken;
  pb::AccessRecord record;
  while (stream->Read(&record)) {
    if (record.detail().starts_with("break-glass")) broken += record.detail();
  }
  EXPECT_EQ(broken,
            "break-glass names as QA: [struck out]?waits, mrs. [struck out]'s bag is not labelled");
}

TEST_F(ServerVaultTest, OfAPatientABoundedNumberOfIdentifiersIsKept) {
  RawCaller clinic = Caller("clinic.station.1");
  const auto put = [&](int first, int count) {
    pb::PutSubjectRequest request;
    request.set_therapy("T1");
    for (int i = first; i < first + count; ++i) {
      pb::SubjectIdentifier& identifier = *request.add_identifiers();
      identifier.set_type("other");
      identifier.set_value("X" + std::to_string(i));
    }
    return PutSubject(clinic, request).status;
  };
  const auto kept = [&] {
    pb::GetSubjectRequest request;
    request.set_therapy("T1");
    request.set_with_clear_text(true);
    request.set_role(pb::RN);
    pb::GetSubjectReply reply;
    CUSTODY_EXPECT_OK(GetSubject(clinic, request, &reply).status);
    return reply.identifiers_size();
  };
  for (int i = 0; i < 192; i += kMaxSubjectIdentifiers) CUSTODY_ASSERT_OK(put(i, 64));
  CUSTODY_ASSERT_OK(put(192, 63));
  EXPECT_THAT(put(255, 2), StatusIs(StatusCode::kResourceExhausted,
                                    "of a patient at most 256 identifiers are kept"));
  EXPECT_EQ(kept(), 255) << "nothing of a refused call is kept";
  CUSTODY_EXPECT_OK(put(255, 1));
  CUSTODY_EXPECT_OK(put(200, 56)) << "what is kept already may be sent again";
  EXPECT_THAT(put(256, 1), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(kept(), 256);
}

TEST_F(ServerVaultTest, AnUploadThatEndsEarlyLeavesNothing) {
  RawCaller clinic = Caller("clinic.station.1");
  const std::string bytes = Pattern(100'000);
  for (int i = 0; i < 3; ++i) {  // more than a station may have under way: each gives its turn back
    grpc::ClientContext context;
    pb::PutAttachmentReply reply;
    const auto writer = clinic.attachments->Put(&context, &reply);
    pb::PutAttachmentRequest message;
    message.set_therapy("T1");
    message.set_media_type("text/csv");
    message.set_data(bytes);
    EXPECT_TRUE(writer->Write(message));
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::CANCELLED);
  }
  // The cancelled ones may still be on their way out.
  std::string found;
  Status got;
  do {
    got = clinic.Get("T1", Sha256(bytes), &found).status;
  } while (got.code() == StatusCode::kResourceExhausted);
  EXPECT_THAT(got, StatusIs(StatusCode::kNotFound, "has no attachment"));
  pb::PutAttachmentReply reply;
  Status put;
  do {
    put = clinic.Put("T1", bytes, &reply).status;
  } while (put.code() == StatusCode::kResourceExhausted);
  CUSTODY_EXPECT_OK(put);
}

TEST_F(ServerVaultTest, UploadsAreBoundedInSizeAndInNumber) {
  RawCaller clinic = Caller("clinic.station.1");
  RawCaller second = Caller("clinic.station.2");
  RawCaller third = Caller("overseer.station.2");
  pb::PutAttachmentReply reply;
  EXPECT_THAT(clinic.Put("T1", "", &reply).status, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(clinic.Put("T1", std::string(kMaxAttachmentBytes + 1, 'x'), &reply).status,
              StatusIs(StatusCode::kResourceExhausted, "at most"));
  EXPECT_EQ(clinic.Put("T1", std::string(3 << 20, 'x'), &reply, 3 << 20).status.code(),
            StatusCode::kResourceExhausted);  // one message of 3 MiB
  struct Open {
    grpc::ClientContext context;
    pb::PutAttachmentReply reply;
    std::unique_ptr<grpc::ClientWriter<pb::PutAttachmentRequest>> writer;
  };
  // Each sends more than a connection holds, so that the server has begun to take it.
  const auto begin = [&](Open& upload) {
    RawCaller::Bound(upload.context);
    upload.writer = second.attachments->Put(&upload.context, &upload.reply);
    pb::PutAttachmentRequest message;
    message.set_therapy("T1");
    message.set_media_type("text/csv");
    for (int i = 0; i < 8; ++i) {
      message.set_data(std::string(1 << 20, 'a'));
      if (!upload.writer->Write(message)) return;
      message.Clear();
    }
  };
  std::vector<Open> open(kMaxTransfersOfStation);
  for (Open& upload : open) begin(upload);
  Open refused;
  begin(refused);
  EXPECT_THAT(FromGrpc(refused.writer->Finish()).status,
              StatusIs(StatusCode::kResourceExhausted, "try again shortly"));
  std::string none;
  EXPECT_EQ(third.Get("T1", Sha256("none"), &none).status.code(), StatusCode::kNotFound);
  for (Open& upload : open) {
    upload.writer->WritesDone();
    CUSTODY_EXPECT_OK(FromGrpc(upload.writer->Finish()).status);
  }
}

TEST_F(ServerVaultTest, WhatIsNotThereIsToldInPlainWords) {
  RawCaller clinic = Caller("clinic.station.1");
  std::string bytes;
  EXPECT_THAT(clinic.Get("T1", Sha256("none"), &bytes).status,
              StatusIs(StatusCode::kNotFound, "therapy T1 has no attachment"));
  pb::GetSubjectRequest request;
  request.set_therapy("T1");
  pb::GetSubjectReply reply;
  EXPECT_THAT(GetSubject(clinic, request, &reply).status,
              StatusIs(StatusCode::kNotFound, "nothing of therapy T1 is in the vault"));
  request.set_therapy("NONE");
  EXPECT_THAT(GetSubject(clinic, request, &reply).status,
              StatusIs(StatusCode::kNotFound, "no therapy NONE"));
}

TEST_F(ServerVaultTest, ASecretIsMadeOnceAndIdentifiersAreAdded) {
  RawCaller clinic = Caller("clinic.station.1");
  pb::PutSubjectRequest put;
  put.set_therapy("T1");
  put.set_secret("short");
  EXPECT_THAT(PutSubject(clinic, put).status,
              StatusIs(StatusCode::kInvalidArgument, "32 bytes, not 5"));
  put.set_secret(std::string(32, 's'));
  put.add_identifiers()->set_type("mrn");
  put.mutable_identifiers(0)->set_value("12345");
  CUSTODY_ASSERT_OK(PutSubject(clinic, put).status);
  CUSTODY_EXPECT_OK(PutSubject(clinic, put).status);  // again: nothing is doubled
  put.set_secret(std::string(32, 't'));
  EXPECT_THAT(PutSubject(clinic, put).status, StatusIs(StatusCode::kAlreadyExists));
  put.clear_secret();
  put.mutable_identifiers(0)->set_type("name");
  put.mutable_identifiers(0)->set_value("Erika Muster");
  CUSTODY_EXPECT_OK(PutSubject(clinic, put).status);
  put.mutable_identifiers(0)->set_type("");
  EXPECT_THAT(PutSubject(clinic, put).status, StatusIs(StatusCode::kInvalidArgument));
  for (int i = 0; i < kMaxSubjectIdentifiers; ++i) put.add_identifiers()->set_type("mrn");
  EXPECT_THAT(PutSubject(clinic, put).status, StatusIs(StatusCode::kResourceExhausted));

  EXPECT_EQ(server_->Signal(SIGKILL), 128 + SIGKILL);
  server_ = std::make_unique<RunningServer>(world_.data());
  RawCaller again = Caller("clinic.station.1");
  pb::GetSubjectRequest get;
  get.set_therapy("T1");
  pb::GetSubjectReply reply;
  CUSTODY_ASSERT_OK(GetSubject(again, get, &reply).status);
  EXPECT_EQ(reply.secret(), std::string(32, 's'));
  EXPECT_EQ(reply.identifiers_size(), 0);  // not asked for
  get.set_with_clear_text(true);
  get.set_role(pb::RN);
  CUSTODY_ASSERT_OK(GetSubject(again, get, &reply).status);
  EXPECT_EQ(reply.identifiers_size(), 2);
}

TEST_F(ServerVaultTest, ManyReasonsAreOneReadableLine) {
  RawCaller lab = Caller("lab.station.1");
  TestLedger& ledger = world_.ledger();
  ledger.set_now(SystemClock().Now());
  EventBuilder event = ledger.On("therapy/T1").By("clinic.pharm.1").By("clinic.rn.1");
  for (const MainStep& step : MainPath(ledger.now() + -kMicrosPerDay)) {
    if (step.body == "infusion_started") event.event().MergeFrom(step.event);
  }
  RawCaller clinic = Caller("clinic.station.1");
  pb::RecordReply reply;
  const RpcError refused = clinic.Record(event.Sign(), &reply);
  EXPECT_THAT(refused.status, StatusIs(StatusCode::kPermissionDenied, "R01 refused"));
  ASSERT_GT(refused.verdict.reasons_size(), 1);
  const std::string words = Message(refused.status);
  EXPECT_THAT(words, ::testing::HasSubstr("; "));
  EXPECT_THAT(words, ::testing::Not(::testing::HasSubstr("\n")));
  EXPECT_THAT(words, ::testing::Not(::testing::HasSubstr("?")));
}

}  // namespace
}  // namespace custody
