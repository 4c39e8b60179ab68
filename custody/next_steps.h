// Inside the next steps: what offers them. Not for others to include.
#ifndef CUSTODY_CUSTODY_NEXT_STEPS_H_
#define CUSTODY_CUSTODY_NEXT_STEPS_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/time.h"

namespace custody::next {

// `Offers` collects steps for one state at one time.
class Offers {
 public:
  Offers(const pb::TherapyState& state, const Registry& registry, Instant now);

  // `Add` offers body `number` for `subject`. `fill` puts into a trial event what people would scan
  // if everything is as it should be; what still stands against it is the state's.
  pb::NextStep& Add(int number, const std::string& subject = {},
                    const std::function<void(pb::Event&)>& fill = nullptr);
  // `Later` puts a step behind everything else: tidying up that nobody waits for.
  void Later(const pb::NextStep& step);
  // `Due` sets until when, and from when on.
  void Due(pb::NextStep& step, std::int64_t due_us, std::int64_t opens_us = 0);

  const pb::TherapyState& state() const { return state_; }
  const Registry& registry() const { return registry_; }
  const pb::Profile* profile() const { return profile_; }
  std::int64_t now() const { return now_.micros; }
  // Whether the state says how the patient is; a view for others does not, and what depends on it
  // cannot be offered.
  bool clinical() const { return state_.has_condition() || !state_.enrolled(); }
  std::vector<pb::NextStep> Take();

 private:
  const pb::TherapyState& state_;
  const Registry& registry_;
  const Instant now_;
  const pb::Profile* profile_;
  std::vector<pb::NextStep> steps_;
  std::vector<std::size_t> later_;  // places in steps_
};

// Each stage offers its own.
void OfferClinic(Offers& offers);
void OfferTransport(Offers& offers);
void OfferManufacture(Offers& offers);
void OfferInfusion(Offers& offers);
void OfferAftercare(Offers& offers);
void OfferOpenMatters(Offers& offers);
void OfferRecords(Offers& offers);

}  // namespace custody::next

#endif  // CUSTODY_CUSTODY_NEXT_STEPS_H_
