// The statement from events alone. People are known by their names here ("clinic.phy.1" is a
// physician of the clinic, "lab.qa.1" quality of the manufacturer), roles by what they signed as.
//
// A permission counts when it was given LIVE: what the searches enter late is never due.
//
// Long because it is one independent statement of everything that happens to a container: all that
// it reads and all that it asks stand on one page, and nothing of it is shared with the rules.
#include "tests/property/bedside/bedside_oracle.h"

#include <algorithm>

#include "crypto/encoding.h"

namespace custody {
namespace {

using Words = std::set<std::string>;

constexpr std::int64_t kCheckMicros = 15 * kMicrosPerMinute;
constexpr std::int64_t kAhead = 2 * kMicrosPerMinute;

std::int64_t At(const google::protobuf::Timestamp& time) { return FromProto(time).micros; }
bool Live(const pb::Event& event) { return event.entry() == pb::LIVE; }
bool OfMaker(const std::string& person) { return person.starts_with("lab."); }

template <class List>
Words Of(const List& list) {
  return {list.begin(), list.end()};
}

Words Wristband(const google::protobuf::RepeatedPtrField<pb::IdentifierCommitment>& read) {
  Words out;
  for (const pb::IdentifierCommitment& id : read) out.insert(id.commitment());
  return out;
}

bool Includes(const Words& whole, const Words& part) { return std::ranges::includes(whole, part); }

Words Doers(const pb::Event& event) {
  Words out;
  for (const pb::Performer& who : event.performed_by()) out.insert(who.person());
  for (const pb::Signer& who : event.signers()) {
    const bool clerk = who.meaning() == pb::TRANSCRIBED || who.meaning() == pb::CHECKED;
    if (Live(event) || !clerk) out.insert(who.person());
  }
  return out;
}

// What others wrote down of a check is none to go on with.
bool WrittenByOthers(const pb::Event& event) {
  return std::ranges::any_of(event.performed_by(), [&](const pb::Performer& did) {
    return std::ranges::none_of(event.signers(), [&](const pb::Signer& who) {
      const bool clerk = who.meaning() == pb::TRANSCRIBED || who.meaning() == pb::CHECKED;
      return !clerk && who.person() == did.person();
    });
  });
}

bool SignedAs(const pb::Event& event, std::initializer_list<pb::Role> roles) {
  return std::ranges::any_of(event.signers(), [&](const pb::Signer& who) {
    return std::ranges::find(roles, who.role()) != roles.end();
  });
}

// Quality of the manufacturer and nobody else, by word of their own.
bool ByMakersQuality(const pb::Event& event) {
  return Live(event) && !event.signers().empty() &&
         std::ranges::all_of(event.signers(), [](const pb::Signer& who) {
           return OfMaker(who.person()) && (who.role() == pb::QA || who.role() == pb::QP);
         });
}

bool Competent(const std::string& person) {
  static const std::vector<std::string> roles = {".rn.", ".phy.", ".pharm.", ".cell_lab.", ".app."};
  return std::ranges::any_of(
      roles, [&](const std::string& role) { return person.find(role) != std::string::npos; });
}

}  // namespace

void BedsideOracle::Accept(const pb::Event& event, const Hash& id) {
  AcceptMaking(event);
  AcceptRelease(event);
  AcceptPatient(event);
  AcceptWay(event);
  AcceptStop(event, id);
  AcceptDecision(event, id);
}

void BedsideOracle::AcceptMaking(const pb::Event& event) {
  if (event.has_filled()) {
    for (const pb::FilledContainer& filled : event.filled().containers()) {
      const bool product = filled.kind() == pb::VESSEL_BAG ||
                           filled.kind() == pb::VESSEL_PRODUCT_VIAL ||
                           filled.kind() == pb::VESSEL_SYRINGE;
      Bag& bag = bags_[filled.container()];
      bag.lot = event.filled().lot();
      bag.product = product;
    }
  } else if (event.has_container_derived()) {
    const pb::ContainerDerived& body = event.container_derived();
    const auto parent = bags_.find(body.parent());
    if (parent == bags_.end() || bags_.contains(body.container())) return;
    Bag drawn = parent->second;
    drawn.parent = body.parent();
    drawn.bed.reset();
    const bool given = body.kind() == pb::VESSEL_SYRINGE || body.kind() == pb::VESSEL_BAG;
    drawn.product = drawn.product && given;
    bags_[body.container()] = drawn;
  } else if (event.has_qc_result() && event.qc_result().outcome() == pb::OUTCOME_FAIL) {
    Lot& lot = lots_[event.qc_result().lot()];
    lot.failed.insert(event.qc_result().test());
  }
}

void BedsideOracle::AcceptRelease(const pb::Event& event) {
  const auto name = [](Lot& lot, const auto& body) {
    lot.certificate = body.certificate();
    for (const pb::ReleasedContainer& bag : body.containers()) lot.named.insert(bag.container());
  };
  const auto link = [&](const std::string& lot, const char* what, bool by) {
    if (by) lots_[lot].links.insert(what);
  };
  if (event.has_released()) {
    Lot& lot = lots_[event.released().lot()];
    if (!ByMakersQuality(event) || !lot.failed.empty() || lot.ended) return;
    lot.released = true;
    name(lot, event.released());
  } else if (event.has_oos_detected()) {
    link(event.oos_detected().lot(), "detected", true);
  } else if (event.has_oos_requested()) {
    link(event.oos_requested().lot(), "requested", Live(event) && SignedAs(event, {pb::PHY}));
  } else if (event.has_oos_risk_assessed()) {
    link(event.oos_risk_assessed().lot(), "assessed", ByMakersQuality(event));
  } else if (event.has_oos_accepted()) {
    const bool yes = event.oos_accepted().patient_consent() == pb::YES;
    link(event.oos_accepted().lot(), "accepted", yes && SignedAs(event, {pb::PHY}));
  } else if (event.has_oos_authorised()) {
    link(event.oos_authorised().lot(), "authorised", ByMakersQuality(event));
  } else if (event.has_released_oos()) {
    Lot& lot = lots_[event.released_oos().lot()];
    if (!ByMakersQuality(event) || event.signers_size() < 2 || lot.ended) return;
    lot.exceptional = lot.links.size() == 5;
    name(lot, event.released_oos());
  } else if (event.has_release_withdrawn()) {
    Lot& lot = lots_[event.release_withdrawn().lot()];
    if (!event.release_withdrawn().containers().empty()) {
      for (const std::string& id : event.release_withdrawn().containers()) lot.named.erase(id);
      return;
    }
    lot.released = lot.exceptional = false;
    lot.links.clear();
    lot.named.clear();
  }
}

void BedsideOracle::AcceptPatient(const pb::Event& event) {
  if (event.has_patient_enrolled()) {
    identity_ = Wristband(event.patient_enrolled().identifiers());
  } else if (event.has_eligibility_assessed() && coi_.empty()) {
    coi_ = event.eligibility_assessed().coi();
  } else if (event.has_therapy_ordered() && coi_.empty()) {
    coi_ = event.therapy_ordered().coi();
  } else if (event.has_consent_obtained()) {
    const pb::ConsentObtained& body = event.consent_obtained();
    const bool theirs = Includes(identity_, Wristband(body.wristband()));
    const bool named = body.coi().empty() || body.coi() == coi_;
    if (!theirs || !named) return;
    for (const int purpose : body.purposes()) {
      const std::int64_t at = std::min(At(body.consented_at()), At(event.signed_at()));
      if (at > withdrawn_[purpose]) consented_[purpose] = at;
    }
  } else if (event.has_consent_withdrawn()) {
    const pb::ConsentWithdrawn& body = event.consent_withdrawn();
    for (const int purpose : body.purposes()) {
      const std::int64_t at = std::min(At(body.withdrawn_at()), At(event.signed_at()));
      withdrawn_[purpose] = std::max(withdrawn_[purpose], at);
      consented_.erase(purpose);
    }
  }
}

void BedsideOracle::Forget(Bag& bag, std::int64_t at) {
  if (at >= bag.checked_cold) bag.cold.reset();
  if (at >= bag.checked_bed) bag.bed.reset();
  bag.checked_cold = std::max(bag.checked_cold, at);
  bag.checked_bed = std::max(bag.checked_bed, at);
}

void BedsideOracle::AcceptWay(const pb::Event& event) {
  const std::int64_t at = At(event.occurred_at());
  const auto bag = [&](const std::string& id) -> Bag* {
    const auto found = bags_.find(id);
    return found == bags_.end() ? nullptr : &found->second;
  };
  const auto earlier = [](std::int64_t& kept, std::int64_t time) {
    kept = kept == 0 ? time : std::min(kept, time);
  };
  TakeChecks(event);
  if (event.has_thaw_started()) {
    if (Bag* thawed = bag(event.thaw_started().container().value())) {
      earlier(thawed->thaw_began, at);
    }
  } else if (event.has_thaw_completed()) {
    if (Bag* thawed = bag(event.thaw_completed().container())) earlier(thawed->thaw_ended, at);
  } else if (event.has_infusion_started()) {
    // One check, one start.
    Bag* given = bag(event.infusion_started().container().value());
    if (given == nullptr) return;
    given->bed.reset();
    if (!WindowEnded(*given, at)) return;  // nobody needed a grant
    for (const std::string& id : event.grants()) {
      std::erase_if(grants_, [&](const Grant& g) { return g.id == id && !g.step.empty(); });
    }
  } else if (event.has_returned_to_storage()) {
    if (Bag* back = bag(event.returned_to_storage().container().value())) Forget(*back, at);
  } else if (event.has_infusion_deferred()) {
    const Words named = Of(event.infusion_deferred().containers());
    for (auto& [id, deferred] : bags_) {
      if (named.empty() || named.contains(id)) Forget(deferred, at);
    }
  }
}

bool BedsideOracle::SoundChecks(const pb::Event& event, const std::string& container) const {
  const bool bed = event.has_bedside_id_verified();
  const auto& checks =
      bed ? event.bedside_id_verified().checks() : event.prethaw_id_verified().checks();
  const Words wristband = Wristband(bed ? event.bedside_id_verified().wristband()
                                        : event.prethaw_id_verified().wristband());
  const std::string& order = bed ? event.bedside_id_verified().order().value()
                                 : event.prethaw_id_verified().order().value();
  const std::string& certificate = bed ? event.bedside_id_verified().certificate().value()
                                       : event.prethaw_id_verified().certificate().value();
  const auto lot = lots_.find(bags_.at(container).lot);
  const Words doers = Doers(event);
  if (WrittenByOthers(event)) return false;
  Words people;
  for (const pb::PersonCheck& check : checks) {
    const std::int64_t age = At(event.occurred_at()) - At(check.at());
    const bool equal = check.container().value() == container && check.coi().value() == coi_ &&
                       check.order().value() == order &&
                       check.certificate().value() == certificate && lot != lots_.end() &&
                       certificate == lot->second.certificate &&
                       check.cassette().value() == checks.begin()->cassette().value() &&
                       Wristband(check.wristband()) == wristband && check.all_agree() == pb::YES;
    const bool in_time = age <= kCheckMicros && age >= -kAhead;
    const bool may = doers.contains(check.person()) && Competent(check.person());
    if (!equal || !in_time || !may) return false;
    people.insert(check.person());
  }
  return people.size() >= 2 && wristband.size() >= 2 && Includes(identity_, wristband);
}

void BedsideOracle::TakeChecks(const pb::Event& event) {
  const std::int64_t at = At(event.occurred_at());
  if (event.has_prethaw_id_verified()) {
    const pb::PrethawIdVerified& body = event.prethaw_id_verified();
    const auto found = bags_.find(body.container().value());
    if (found == bags_.end() || at < found->second.checked_cold) return;
    Bag& bag = found->second;
    bag.checked_cold = at;
    bag.cold.reset();
    if (body.patient_ready() != pb::YES || !SoundChecks(event, found->first)) return;
    bag.cold = Check{at, body.order().value(), Wristband(body.wristband())};
  } else if (event.has_bedside_id_verified()) {
    const pb::BedsideIdVerified& body = event.bedside_id_verified();
    const auto found = bags_.find(body.container().value());
    if (found == bags_.end() || at < found->second.checked_bed) return;
    Bag& bag = found->second;
    bag.checked_bed = at;
    bag.bed.reset();
    if (body.passed() != pb::YES || !SoundChecks(event, found->first)) return;
    bag.bed = Check{at, body.order().value(), Wristband(body.wristband())};
  }
}

void BedsideOracle::Quarantined(const Hash& id, const char* rule, pb::QuarantineCause cause,
                                Words items) {
  // A lot is all of its containers, which are decided on one by one.
  for (const auto& [name, bag] : bags_) {
    if (items.contains(bag.lot)) items.insert(name);
  }
  std::erase_if(items, [&](const std::string& item) { return lots_.contains(item); });
  const std::string name = "Q-" + Hex(id.view().substr(0, 4)) + "-" + rule;
  quarantines_.push_back({name, cause, std::move(items)});
}

void BedsideOracle::AcceptStop(const pb::Event& event, const Hash& id) {
  const auto end = [&](const std::string& name) {
    lots_[name].ended = true;
    for (auto& [bag_id, bag] : bags_) bag.gone = bag.gone || bag.lot == name;
  };
  const auto drop = [&](const auto& containers) {
    for (const std::string& name : containers) {
      if (const auto bag = bags_.find(name); bag != bags_.end()) bag->second.gone = true;
    }
  };
  const auto spend = [&](const auto& containers) {
    for (const std::string& name : containers) {
      if (const auto bag = bags_.find(name); bag != bags_.end()) bag->second.spent = true;
    }
  };
  if (event.has_temperature_excursion()) {
    Quarantined(id, "R13", pb::QUARANTINED_FOR_TEMPERATURE,
                Of(event.temperature_excursion().containers()));
  } else if (event.has_identity_in_doubt()) {
    Quarantined(id, "F8b", pb::QUARANTINED_FOR_IDENTITY, Of(event.identity_in_doubt().items()));
  } else if (event.has_seal_broken()) {
    Quarantined(id, "F11", pb::QUARANTINED_FOR_SEAL, Of(event.seal_broken().containers()));
  } else if (event.has_thaw_completed() && event.thaw_completed().leak() == pb::YES) {
    Quarantined(id, "F7", pb::QUARANTINED_FOR_DAMAGE, {event.thaw_completed().container()});
  } else if (event.has_container_damaged()) {
    const pb::ContainerDamaged& body = event.container_damaged();
    if (body.outcome() == pb::DAMAGE_UNDECIDED) {
      Quarantined(id, "F7", pb::QUARANTINED_FOR_DAMAGE, {body.container()});
    } else if (body.outcome() == pb::DAMAGE_DESTROYED) {
      spend(Words{body.container()});
    } else if (SignedAs(event, {pb::PHY})) {
      Lift(pb::QUARANTINED_FOR_DAMAGE, "", {body.container()});
    }
  } else if (event.has_product_recalled()) {
    const pb::ProductRecalled& body = event.product_recalled();
    if (!body.containers().empty()) return drop(body.containers());
    if (body.identifier_type() == "lot") return end(body.identifier());
    if (body.identifier_type() == "container") return drop(Words{body.identifier()});
    for (auto& [name, bag] : bags_) bag.gone = true;
  } else if (event.has_rejected()) {
    if (!event.rejected().containers().empty()) return drop(event.rejected().containers());
    end(event.rejected().lot());
  } else if (event.has_contamination_confirmed()) {
    end(event.contamination_confirmed().lot());
  } else if (event.has_disposition()) {
    spend(event.disposition().containers());
  } else if (event.has_hold_set()) {
    const pb::HoldSet& body = event.hold_set();
    Hold hold{"H-" + Hex(id.view().substr(0, 4)),
              body.kind(),
              Doers(event),
              "",
              Of(body.containers()),
              body.lot(),
              true};
    hold.house = hold.setters.empty() ? "" : hold.setters.begin()->substr(0, 4);
    const auto& blocks = body.blocks();
    hold.blocks_infusion =
        blocks.empty() || std::ranges::find(blocks, pb::HOLD_BLOCKS_INFUSE) != blocks.end();
    holds_.push_back(hold);
  }
}

void BedsideOracle::Lift(pb::QuarantineCause cause, const std::string& id, const Words& items) {
  for (Quarantine& quarantine : quarantines_) {
    if (quarantine.cause != cause || (!id.empty() && quarantine.id != id)) continue;
    for (const std::string& item : items) {
      const auto of_lot = [&](const std::string& held) {
        const auto bag = bags_.find(held);
        return bag != bags_.end() && bag->second.lot == item;
      };
      std::erase_if(quarantine.items,
                    [&](const std::string& held) { return held == item || of_lot(held); });
    }
  }
  std::erase_if(quarantines_, [](const Quarantine& q) { return q.items.empty(); });
}

void BedsideOracle::AcceptDecision(const pb::Event& event, const Hash& id) {
  if (event.has_quarantine_decided()) {
    const pb::QuarantineDecided& body = event.quarantine_decided();
    const Words items = Of(body.containers());
    if (body.verdict() != pb::QUARANTINE_USE) {
      for (auto& [name, bag] : bags_) bag.gone = bag.gone || Touches(items, name);
    } else if (ByMakersQuality(event) && body.cause() != pb::QUARANTINED_FOR_IDENTITY) {
      Lift(body.cause(), body.quarantine(), items);
    }
  } else if (event.has_identity_resolved()) {
    const pb::IdentityResolved& body = event.identity_resolved();
    Words houses;
    for (const pb::Signer& who : event.signers()) {
      if (who.role() == pb::QA) houses.insert(who.person().substr(0, 4));
    }
    if (!Live(event) || !houses.contains("lab.") || houses.size() < 2) return;
    Lift(pb::QUARANTINED_FOR_IDENTITY, body.quarantine(), Of(body.items()));
    for (auto& [name, bag] : bags_) {  // it never replaces a new check
      if (Touches(Of(body.items()), name)) Forget(bag, At(event.occurred_at()));
    }
  } else if (event.has_hold_cleared()) {
    const Words people = Doers(event);
    std::erase_if(holds_, [&](const Hold& hold) {
      if (hold.id != event.hold_cleared().hold() || !Live(event)) return false;
      const bool own = std::ranges::any_of(
          people, [&](const std::string& who) { return hold.setters.contains(who); });
      const bool quality = std::ranges::any_of(event.signers(), [&](const pb::Signer& who) {
        const bool may = who.role() == pb::QA || who.role() == pb::QP;
        return may && who.person().substr(0, 4) == hold.house;
      });
      const bool may = hold.kind == pb::HOLD_CLINICAL  ? SignedAs(event, {pb::PHY})
                       : hold.kind == pb::HOLD_QUALITY ? quality
                                                       : hold.kind == pb::HOLD_ADMIN;
      return may && !own;
    });
  } else if (event.has_infusion_ordered()) {
    const pb::InfusionOrdered& body = event.infusion_ordered();
    if (!Live(event)) return;
    for (Order& order : orders_) {
      if (order.number == body.replaces() || order.number == body.order()) order.open = false;
    }
    std::erase_if(orders_, [](const Order& order) { return !order.open; });
    Order order{body.order(), body.lot(), body.certificate(), {}, true, false};
    for (const pb::OrderedContainer& bag : body.containers())
      order.containers.insert(bag.container());
    orders_.push_back(order);
  } else if (event.has_lot_selected_for_infusion() && Live(event)) {
    for (Order& order : orders_) {
      order.passed_over = order.lot != event.lot_selected_for_infusion().lot();
    }
  } else if (event.has_infusion_order_cancelled()) {
    std::erase_if(orders_, [&](const Order& order) {
      return order.number == event.infusion_order_cancelled().order();
    });
  } else if (event.has_therapy_cancelled()) {
    orders_.clear();
  } else if (event.has_override_granted()) {
    const pb::OverrideGranted& body = event.override_granted();
    const bool spoken = body.verbal() == pb::YES && event.signers_size() >= 2 &&
                        body.authority().starts_with("clinic.phy.") &&
                        !Doers(event).contains(body.authority());
    const bool written = body.verbal() != pb::YES && SignedAs(event, {pb::PHY}) &&
                         event.signers(0).person().starts_with("clinic.");
    const auto& rules = body.rules();
    if (std::ranges::find(rules, "R25") == rules.end() || (!spoken && !written)) return;
    const std::int64_t latest = At(event.signed_at()) + 24 * kMicrosPerHour;
    grants_.push_back(
        {id.ToString(), body.container(), body.step(), std::min(At(body.expires_at()), latest)});
  }
}

Words BedsideOracle::Line(const std::string& container) const {
  Words line;
  for (std::string at = container; !at.empty() && line.insert(at).second;) {
    const auto bag = bags_.find(at);
    at = bag == bags_.end() ? "" : bag->second.parent;
  }
  return line;
}

bool BedsideOracle::Touches(const Words& items, const std::string& container) const {
  const auto bag = bags_.find(container);
  if (bag != bags_.end() && items.contains(bag->second.lot)) return true;
  const Words line = Line(container);
  return std::ranges::any_of(line, [&](const std::string& id) { return items.contains(id); });
}

const BedsideOracle::Order* BedsideOracle::OrderOf(const std::string& container) const {
  const Words line = Line(container);
  for (auto order = orders_.rbegin(); order != orders_.rend(); ++order) {
    if (!order->open) continue;
    const auto named = [&](const std::string& id) { return order->containers.contains(id); };
    if (std::ranges::any_of(line, named)) return &*order;
  }
  return nullptr;
}

void BedsideOracle::NeedRelease(const std::string& container,
                                std::vector<std::string>& against) const {
  const Bag& bag = bags_.at(container);
  const auto found = lots_.find(bag.lot);
  if (!bag.product) against.emplace_back("it is no drug product");
  if (found == lots_.end()) return against.push_back("its lot is unknown");
  const Lot& lot = found->second;
  if (lot.ended) against.push_back("its lot was rejected or recalled");
  const auto consent = consented_.find(pb::CONSENT_TO_OUT_OF_SPECIFICATION);
  const bool exceptional = lot.exceptional && lot.links.size() == 5 && consent != consented_.end();
  if (!lot.released && !exceptional) against.push_back("its lot is not released");
  for (const std::string& id : Line(container)) {  // what was drawn of a named one is as it
    const bool root = bags_.contains(id) && bags_.at(id).parent.empty();
    if (root && !lot.named.contains(id)) against.emplace_back("its release does not name it");
  }
}

void BedsideOracle::NeedChecks(const pb::Event& event, std::vector<std::string>& against) const {
  const pb::InfusionStarted& body = event.infusion_started();
  const std::string& container = body.container().value();
  const Bag& bag = bags_.at(container);
  if (!bag.bed) return against.push_back("no equal checks of two people at the bedside");
  const std::int64_t age = At(event.occurred_at()) - bag.bed->at;
  if (age > kCheckMicros || age < -kAhead) against.emplace_back("the bedside check is too old");
  if (Wristband(body.wristband()) != bag.bed->wristband) {
    against.emplace_back("another wristband than at the check");
  }
  if (body.coi().value() != coi_) against.emplace_back("another chain of identity");
  if (body.order().value() != bag.bed->order) against.emplace_back("another order than checked");
  const Order* order = OrderOf(container);
  const auto lot = lots_.find(bag.lot);
  if (order == nullptr || order->number != body.order().value()) {
    against.emplace_back("no such order stands for this container");
  } else if (order->lot != bag.lot || lot == lots_.end() ||
             order->certificate != lot->second.certificate) {
    against.emplace_back("the order is of another lot than the container");
  } else if (order->passed_over) {
    against.emplace_back("another lot was selected since the order");
  }
  if (event.signers_size() >= 2) return;
  const bool typed = body.container().source() == pb::TYPED || body.coi().source() == pb::TYPED ||
                     body.order().source() == pb::TYPED ||
                     std::ranges::any_of(body.wristband(),
                                         [](const auto& id) { return id.source() == pb::TYPED; });
  if (typed) against.emplace_back("typed by one person and not scanned");
}

bool BedsideOracle::Granted(const pb::Event& event, const std::string& container) const {
  return std::ranges::any_of(grants_, [&](const Grant& grant) {
    const auto& cited = event.grants();
    const bool cites = std::ranges::find(cited, grant.id) != cited.end();
    const bool here = grant.container.empty() || grant.container == container;
    const bool step = grant.step.empty() || grant.step == "infusion_started";
    return cites && here && step && At(event.occurred_at()) <= grant.ends;
  });
}

void BedsideOracle::NeedWindow(const pb::Event& event, std::vector<std::string>& against) const {
  const std::string& container = event.infusion_started().container().value();
  const Bag& bag = bags_.at(container);
  if (bag.thaw_began == 0) against.emplace_back("it was never thawed");
  if (WindowEnded(bag, At(event.occurred_at())) && !Granted(event, container)) {
    against.emplace_back("its window has ended and nobody who may has granted more");
  }
}

bool BedsideOracle::WindowEnded(const Bag& bag, std::int64_t at) const {
  return std::ranges::any_of(windows_, [&](const OracleWindow& window) {
    const std::int64_t from = window.from_start ? bag.thaw_began : bag.thaw_ended;
    return from != 0 && at > from + window.minutes * kMicrosPerMinute;
  });
}

void BedsideOracle::NeedNothingOpen(const std::string& container,
                                    std::vector<std::string>& against) const {
  if (bags_.at(container).spent) against.push_back(container + " was destroyed");
  for (const std::string& id : Line(container)) {
    const auto bag = bags_.find(id);
    if (bag != bags_.end() && bag->second.gone) against.push_back(id + " was rejected or recalled");
  }
  for (const Quarantine& quarantine : quarantines_) {
    if (Touches(quarantine.items, container)) against.push_back("quarantine " + quarantine.id);
  }
  for (const Hold& hold : holds_) {
    const bool whole = hold.containers.empty() && hold.lot.empty();
    const bool of_lot = !hold.lot.empty() && Touches({hold.lot}, container);
    if (!hold.blocks_infusion) continue;
    if (whole || of_lot || Touches(hold.containers, container)) {
      against.push_back("hold " + hold.id);
    }
  }
}

std::vector<std::string> BedsideOracle::Against(const pb::Event& event, Instant recorded) const {
  std::vector<std::string> against;
  const bool infused = event.has_infusion_started();
  if (!Live(event) || (!infused && !event.has_thaw_started())) return against;
  const std::int64_t age = recorded.micros - At(event.occurred_at());
  if (age > kCheckMicros + kAhead || age < -kAhead) against.emplace_back("it is not live");
  const std::string& container = infused ? event.infusion_started().container().value()
                                         : event.thaw_started().container().value();
  const auto bag = bags_.find(container);
  if (bag == bags_.end()) return {"the container is not of this therapy"};
  if (!infused) {
    if (!bag->second.product) return against;  // collected cells are thawed to be worked on
    if (!bag->second.cold) against.emplace_back("no sound check of this container before the thaw");
    return against;
  }
  NeedRelease(container, against);
  NeedChecks(event, against);
  if (!consented_.contains(pb::CONSENT_TO_TREATMENT)) {
    against.emplace_back("no consent to the treatment stands");
  }
  NeedWindow(event, against);
  NeedNothingOpen(container, against);
  return against;
}

std::string BedsideOracle::Key(const std::function<std::int64_t(std::int64_t)>& age,
                               const std::function<std::int64_t(std::int64_t)>& told) const {
  std::string key;
  const auto add = [&](std::string_view text) { (key += text) += '|'; };
  const auto number = [&](std::int64_t value) {
    key.append(reinterpret_cast<const char*>(&value), 4);
  };
  const auto words = [&](const Words& list) {
    for (const std::string& word : list) add(word);
    key += ';';
  };
  const auto check = [&](const std::optional<Check>& c, const auto& when) {
    if (!c) return add("-");
    number(when(c->at));
    add(c->order);
    words(c->wristband);
  };
  for (const auto* said : {&consented_, &withdrawn_}) {
    for (const auto& [purpose, at] : *said) {
      number(purpose);
      number(told(at));
    }
    key += '#';
  }
  for (const auto& [id, lot] : lots_) {
    add(id);
    number(lot.released + 2 * lot.exceptional + 4 * lot.ended);
    words(lot.failed);
    words(lot.links);
    words(lot.named);
    add(lot.certificate);
  }
  for (const auto& [id, bag] : bags_) {
    add(id);
    number(bag.gone + 2 * bag.spent);
    for (const std::int64_t at : {bag.thaw_began, bag.thaw_ended}) number(age(at));
    for (const std::int64_t at : {bag.checked_cold, bag.checked_bed}) number(told(at));
    check(bag.cold, told);
    check(bag.bed, age);
  }
  for (const Order& order : orders_) {
    add(order.number);
    add(order.lot + (order.passed_over ? ",passed over" : ""));
    add(order.certificate);
    words(order.containers);
  }
  return key + OpenKey(age);
}

// In whatever order they were opened, and under whatever id; of those alike two stand for all.
std::string BedsideOracle::OpenKey(const std::function<std::int64_t(std::int64_t)>& age) const {
  std::multiset<std::string> open;
  const auto stands = [&](const std::string& text) {
    if (open.count(text) < 2) open.insert(text);
  };
  for (const Hold& hold : holds_) {
    std::string text = "H" + std::to_string(hold.kind);
    for (const Words* list : {&hold.setters, &hold.containers}) {
      for (const std::string& word : *list) text += "," + word;
    }
    stands(text + "," + hold.lot + (hold.blocks_infusion ? "!" : "."));
  }
  for (const Quarantine& quarantine : quarantines_) {
    std::string text = "Q" + std::to_string(quarantine.cause);
    for (const std::string& word : quarantine.items) text += "," + word;
    stands(text);
  }
  for (const Grant& grant : grants_) {
    stands("G" + grant.container + "," + grant.step + "," + std::to_string(age(grant.ends)));
  }
  std::string key;
  for (const std::string& one : open) (key += one) += '|';
  return key;
}

}  // namespace custody
