#include <gtest/gtest.h>

#include "server/rpc/views.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

TEST(PeekChainTest, FindsTheChainWhereverItStands) {
  pb::Event event;
  event.set_chain("therapy/T1");
  EXPECT_EQ(PeekChain(event.SerializeAsString()), "therapy/T1");
  pb::Event rest;
  rest.set_sequence(7);
  rest.set_previous(std::string(32, 'p'));
  rest.add_signers()->set_person("p");
  EXPECT_EQ(PeekChain(rest.SerializeAsString() + event.SerializeAsString()), "therapy/T1");
}

TEST(PeekChainTest, BytesThatAreNoEventHaveNone) {
  EXPECT_EQ(PeekChain(""), "");
  EXPECT_EQ(PeekChain("\xff\xff\xff\xff"), "");
  EXPECT_EQ(PeekChain(std::string("\x0a\x7f", 2) + "short"), "");
  pb::Event event;
  event.set_chain(std::string(1000, 'A'));
  EXPECT_EQ(PeekChain(event.SerializeAsString()), "");
}

TEST(MayReadBodyTest, TheManufacturerReadsNoClinicalEvent) {
  pb::Event clinical;
  clinical.mutable_cns_evaluated();
  pb::Event packed;
  packed.mutable_packed();
  EXPECT_TRUE(MayReadBody(Who::kClinic, clinical));
  EXPECT_TRUE(MayReadBody(Who::kOversight, clinical));
  EXPECT_FALSE(MayReadBody(Who::kCarrier, packed));
  EXPECT_TRUE(MayReadBody(Who::kManufacturer, packed));
  EXPECT_FALSE(MayReadBody(Who::kManufacturer, clinical));
  EXPECT_FALSE(MayReadBody(Who::kManufacturer, pb::Event()));
}

TEST(MayReadBodyTest, WhatWasAdoptedDecides) {
  pb::Event symptom;
  symptom.mutable_cns_evaluated();
  pb::Event adopting;
  adopting.mutable_adopted()->mutable_original()->set_payload(symptom.SerializeAsString());
  EXPECT_FALSE(MayReadBody(Who::kManufacturer, adopting));
  pb::Event packed;
  packed.mutable_packed();
  adopting.mutable_adopted()->mutable_original()->set_payload(packed.SerializeAsString());
  EXPECT_TRUE(MayReadBody(Who::kManufacturer, adopting));
}

TEST(ReduceVerdictTest, OnlyReasonsOfAuthorityStay) {
  pb::Verdict verdict;
  for (const char* rule : {"R01", "R18", "R45", "R20"}) verdict.add_reasons()->set_rule(rule);
  verdict.set_refused(true);
  verdict.set_profile("EXAMPLE/1");
  ReduceVerdict(verdict);
  ASSERT_EQ(verdict.reasons_size(), 2);
  EXPECT_EQ(verdict.reasons(0).rule(), "R01");
  EXPECT_EQ(verdict.reasons(1).rule(), "R45");
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(verdict.profile().empty());
}

TEST(HiddenTest, SaysTheSameWhetherThereIsOneOrNot) {
  EXPECT_THAT(Hidden("T9"), StatusIs(StatusCode::kNotFound, "T9 that this station may read"));
}

}  // namespace
}  // namespace custody
