// Certificates, judged by OpenSSL as the other end of a connection would.
#include "crypto/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "tests/support/status_matchers.h"

namespace custody {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kYear = 365 * 86400;

template <auto Free>
struct Release {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
template <class T, auto Free>
using Ptr = std::unique_ptr<T, Release<Free>>;

Ptr<X509, X509_free> Parse(const std::string& pem) {
  const Ptr<BIO, BIO_free_all> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Ptr<X509, X509_free>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// Whether OpenSSL accepts `leaf` under `authority` for `purpose` at `when`.
bool Accepts(const std::string& authority, const std::string& leaf, int purpose,
             std::int64_t when = kNow) {
  const auto root = Parse(authority);
  const auto certificate = Parse(leaf);
  const Ptr<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  const Ptr<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  EXPECT_EQ(X509_STORE_add_cert(store.get(), root.get()), 1);
  EXPECT_EQ(X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr), 1);
  EXPECT_EQ(X509_STORE_CTX_set_purpose(context.get(), purpose), 1);
  X509_STORE_CTX_set_time(context.get(), X509_V_FLAG_X509_STRICT, when);
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT);
  return X509_verify_cert(context.get()) == 1;
}

class CertificateTest : public ::testing::Test {
 protected:
  CertificateRequest Station() const {
    return {"CLINIC-1", CertificatePurpose::kStation, {}, kNow, kNow + kYear};
  }
  CertificateRequest Server() const {
    return {"ledger",
            CertificatePurpose::kServer,
            {"ledger.example", "127.0.0.1", "::1"},
            kNow,
            kNow + kYear};
  }
  StatusOr<std::string> Issue(const CertificateRequest& request) const {
    return IssueCertificate(request, subject_.public_key(), authority_, authority_pem_);
  }

  const PrivateKey authority_ = PrivateKey::Generate(KeyAlgorithm::kP256).value();
  const PrivateKey subject_ = PrivateKey::Generate(KeyAlgorithm::kP256).value();
  const std::string authority_pem_ =
      SelfSignAuthority(authority_, "custody authority", kNow - 1, kNow + 10 * kYear).value();
};

TEST_F(CertificateTest, OpensslAcceptsTheChainForItsPurposeOnly) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string station, Issue(Station()));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string server, Issue(Server()));
  EXPECT_TRUE(Accepts(authority_pem_, station, X509_PURPOSE_SSL_CLIENT));
  EXPECT_FALSE(Accepts(authority_pem_, station, X509_PURPOSE_SSL_SERVER));
  EXPECT_TRUE(Accepts(authority_pem_, server, X509_PURPOSE_SSL_SERVER));
  EXPECT_FALSE(Accepts(authority_pem_, server, X509_PURPOSE_SSL_CLIENT));
  EXPECT_FALSE(Accepts(authority_pem_, station, X509_PURPOSE_SSL_CLIENT, kNow - 1));
  EXPECT_FALSE(Accepts(authority_pem_, station, X509_PURPOSE_SSL_CLIENT, kNow + kYear + 1));
  const PrivateKey other = PrivateKey::Generate(KeyAlgorithm::kP256).value();
  CUSTODY_ASSERT_OK_AND_ASSIGN(
      const std::string stranger,
      SelfSignAuthority(other, "custody authority", kNow - 1, kNow + kYear));
  EXPECT_FALSE(Accepts(stranger, station, X509_PURPOSE_SSL_CLIENT));
  const auto root = Parse(authority_pem_);
  const Ptr<EVP_PKEY, EVP_PKEY_free> key(X509_get_pubkey(root.get()));
  EXPECT_EQ(X509_verify(Parse(station).get(), key.get()), 1);
  EXPECT_EQ(X509_verify(root.get(), key.get()), 1);
}

TEST_F(CertificateTest, NamesTheServersHosts) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string server, Issue(Server()));
  const auto certificate = Parse(server);
  EXPECT_EQ(X509_check_host(certificate.get(), "ledger.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "other.example", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.2", 0), 0);
}

TEST_F(CertificateTest, ReadsBackWhatWasAskedFor) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string pem, Issue(Station()));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const CertificateFields fields, ReadCertificate(pem));
  EXPECT_EQ(fields.name, "CLINIC-1");
  EXPECT_EQ(fields.not_before, kNow);
  EXPECT_EQ(fields.not_after, kNow + kYear);
  EXPECT_GE(fields.serial_hex.size(), 24U);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const CertificateFields other,
                               ReadCertificate(Issue(Station()).value()));
  EXPECT_NE(other.serial_hex, fields.serial_hex);
  EXPECT_NE(other.sha256, fields.sha256);
  EXPECT_EQ(ReadCertificate(authority_pem_)->name, "custody authority");
}

TEST_F(CertificateTest, ARenewedOneIsTheSameForAnotherTime) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string before, Issue(Server()));
  const std::int64_t later = kNow + 2 * kYear;  // it has ended long since
  CUSTODY_ASSERT_OK_AND_ASSIGN(
      const std::string renewed,
      RenewCertificate(before, later, later + kYear, authority_, authority_pem_));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const CertificateFields old, ReadCertificate(before));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const CertificateFields fields, ReadCertificate(renewed));
  EXPECT_EQ(fields.name, old.name);
  EXPECT_EQ(fields.key_sha256, subject_.public_key().key_id());
  EXPECT_EQ(fields.key, "P-256");
  EXPECT_TRUE(fields.serves);
  EXPECT_NE(fields.serial_hex, old.serial_hex);
  EXPECT_EQ(fields.not_before, later);
  EXPECT_EQ(fields.not_after, later + kYear);
  EXPECT_FALSE(Accepts(authority_pem_, before, X509_PURPOSE_SSL_SERVER, later + 1));
  EXPECT_TRUE(Accepts(authority_pem_, renewed, X509_PURPOSE_SSL_SERVER, later + 1));
  EXPECT_FALSE(Accepts(authority_pem_, renewed, X509_PURPOSE_SSL_CLIENT, later + 1));
  EXPECT_EQ(X509_check_host(Parse(renewed).get(), "ledger.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(Parse(renewed).get(), "::1", 0), 1);
  EXPECT_FALSE(ReadCertificate(Issue(Station()).value())->serves);
  EXPECT_FALSE(ReadCertificate(authority_pem_)->serves);
}

TEST_F(CertificateTest, OnlyWhatTheAuthorityIssuedIsRenewed) {
  const auto renew = [this](const std::string& pem, std::int64_t end) {
    return RenewCertificate(pem, kNow, end, authority_, authority_pem_);
  };
  const PrivateKey other = PrivateKey::Generate(KeyAlgorithm::kP256).value();
  CUSTODY_ASSERT_OK_AND_ASSIGN(
      const std::string stranger,
      SelfSignAuthority(other, "custody authority", kNow - 1, kNow + 10 * kYear));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string strange,
                               IssueCertificate(Server(), subject_.public_key(), other, stranger));
  const auto another = StatusIs(StatusCode::kInvalidArgument, "found another's");
  EXPECT_THAT(renew(strange, kNow + kYear), another);
  EXPECT_THAT(renew(stranger, kNow + kYear), another);
  EXPECT_THAT(renew(authority_pem_, kNow + kYear), another);
  EXPECT_THAT(renew(Issue(Server()).value(), kNow + 11 * kYear),
              StatusIs(StatusCode::kInvalidArgument, "outlive"));
}

TEST_F(CertificateTest, AStationCannotIssue) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string station, Issue(Station()));
  EXPECT_THAT(IssueCertificate(Station(), authority_.public_key(), subject_, station),
              StatusIs(StatusCode::kInvalidArgument, "authority"));
  EXPECT_THAT(IssueCertificate(Station(), subject_.public_key(), subject_, authority_pem_),
              StatusIs(StatusCode::kInvalidArgument, "not that of the authority's key"));
}

TEST_F(CertificateTest, RefusesOddRequests) {
  const auto refused = [this](auto change, const char* reason) {
    CertificateRequest request = Server();
    change(request);
    EXPECT_THAT(Issue(request), StatusIs(StatusCode::kInvalidArgument, reason)) << reason;
  };
  refused([](CertificateRequest& r) { r.name = ""; }, "1 to 64");
  refused([](CertificateRequest& r) { r.name = std::string(65, 'x'); }, "1 to 64");
  refused([](CertificateRequest& r) { r.name = std::string("a\0b", 3); }, "1 to 64");
  refused([](CertificateRequest& r) { r.name = "\xff\xfe"; }, "UTF-8");
  refused([](CertificateRequest& r) { r.not_after = r.not_before; }, "after it begins");
  refused([](CertificateRequest& r) { r.not_after = kNow + 11 * kYear; }, "outlive");
  refused([](CertificateRequest& r) { r.hosts.clear(); }, "hosts");
  refused([](CertificateRequest& r) { r.hosts = {"a,DNS:b"}; }, "DNS name");
  refused([](CertificateRequest& r) { r.hosts = {""}; }, "DNS name");
  refused([](CertificateRequest& r) { r.purpose = CertificatePurpose::kStation; }, "hosts");
  const PrivateKey ed25519 = PrivateKey::Generate(KeyAlgorithm::kEd25519).value();
  EXPECT_THAT(SelfSignAuthority(ed25519, "x", kNow, kNow + 1),
              StatusIs(StatusCode::kInvalidArgument, "p-256"));
  EXPECT_THAT(IssueCertificate(Station(), ed25519.public_key(), authority_, authority_pem_),
              StatusIs(StatusCode::kInvalidArgument, "p-256"));
}

TEST_F(CertificateTest, ReadsOneCertificateAndNothingElse) {
  EXPECT_THAT(ReadCertificate(""), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ReadCertificate("nonsense"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ReadCertificate(authority_pem_ + authority_pem_),
              StatusIs(StatusCode::kInvalidArgument, "one certificate"));
  std::string torn = authority_pem_;
  torn.erase(100, 65);
  EXPECT_THAT(ReadCertificate(torn), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace custody
