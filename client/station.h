// The interactive station: scan, see what is next and what blocks it, fill, sign.
#ifndef CUSTODY_CLIENT_STATION_H_
#define CUSTODY_CLIENT_STATION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/console.h"
#include "client/desk.h"
#include "client/draft.h"
#include "client/recorder.h"
#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// `Station` talks line by line, so that a scanner that types and a slow terminal are enough. Words
// that decide (PASS, STOP, RECORDED, NOT YET RECORDED) stand alone and stay on the screen.
class Station {
 public:
  Station(Desk& desk, Recorder& recorder, Console& console, bool clinic)
      : desk_(desk), recorder_(recorder), console_(console), clinic_(clinic) {}

  // `Run` works until "quit" or the end of the input; gives the exit code of the last step tried.
  int Run();

 private:
  void Send();
  // Both give false when the input ended.
  bool Open(const std::string& scan);
  bool Choose(const std::string& id);
  Status Step(const std::string& id, const pb::NextStep& step);
  StatusOr<std::vector<DraftSigner>> AskSigners(const pb::NextStep& step);
  StatusOr<DraftSigner> AskSigner(const std::string& question, const std::vector<pb::Role>& roles);
  Status AskEntry(const pb::NextStep& step, Draft& draft);
  // Whether what is known of a therapy here is too old to do anything with its bags (R36).
  bool MustPhone(const std::string& id) const;
  Status CheckScan(const std::string& id, const pb::NextStep& step,
                   const std::vector<DraftSigner>& signers, pb::ScanKind kind,
                   const std::string& value);
  void OfferNearMiss(const std::string& id, const std::string& other, const pb::NextStep& step,
                     const std::vector<DraftSigner>& signers, pb::ScanKind kind,
                     const std::string& value);
  void ShowSteps(const pb::TherapyState& state, const std::vector<pb::NextStep>& steps);

  Desk& desk_;
  Recorder& recorder_;
  Console& console_;
  bool clinic_;
  int last_exit_ = 0;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_STATION_H_
