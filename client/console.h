// Where a program speaks to people and to machines.
//
// A person at a terminal gets colours and tables; a pipe gets plain text; with --json every answer
// is one JSON object a line. Outside production everything begins with the training notice, said
// once (in JSON: a member of every object). Messages stay on the screen: nothing is overwritten,
// and whatever is printed is plain (client/plain_lines.h): no text of others moves the cursor.
#ifndef CUSTODY_CLIENT_CONSOLE_H_
#define CUSTODY_CLIENT_CONSOLE_H_

#include <google/protobuf/message.h>

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

inline constexpr std::string_view kTrainingNotice = "TRAINING - NOT FOR PATIENT USE";

// What a message means for whoever reads it; it chooses the colour of a terminal.
enum class Mood { kPlain, kGood, kBad, kCareful };

class Console {
 public:
  struct Look {
    bool terminal = false;  // a person sits there: questions may be asked
    bool colours = false;
    bool json = false;
  };

  // Streams must outlive the console.
  Console(std::istream& in, std::ostream& out, std::ostream& error, Look look);

  // `SetEnvironment` decides about the notice; until it is called, or with an unknown environment,
  // the notice is given.
  void SetEnvironment(pb::Environment environment) { environment_ = environment; }

  const Look& look() const { return look_; }
  bool json() const { return look_.json; }

  // `Say` prints `text` and a new line, unless JSON is asked for. Its lines are the caller's:
  // values of others in it have to be on one line each.
  void Say(std::string_view text, Mood mood = Mood::kPlain);
  // `Shout` prints a word nobody overlooks, then what it is about: "*** STOP ***  another
  // patient's". Further lines of `text` are indented.
  void Shout(Mood mood, std::string_view word, std::string_view text);
  // `Table` prints rows under their headings, columns aligned, each cell on one line.
  void Table(const std::vector<std::string>& headings,
             const std::vector<std::vector<std::string>>& rows);
  // `Emit` prints one JSON object, if JSON is asked for.
  void Emit(nlohmann::json object);
  // `Complain` prints an error to the error stream (or as JSON).
  void Complain(const Status& status);

  // `Ask` prints `question` and reads a line (and prints it, where no terminal shows it).
  // OUT_OF_RANGE at the end of the input.
  StatusOr<std::string> Ask(std::string_view question);
  // `Confirm` asks for "yes"; anything else is no.
  bool Confirm(std::string_view question);

 private:
  void GiveNotice();
  std::string Coloured(std::string_view text, Mood mood) const;

  std::istream& in_;
  std::ostream& out_;
  std::ostream& error_;
  Look look_;
  pb::Environment environment_ = pb::ENVIRONMENT_UNSPECIFIED;
  bool noticed_ = false;
};

// `ToJson` is protobuf's JSON mapping, fields by their proto names.
nlohmann::json ToJson(const google::protobuf::Message& message);

}  // namespace custody

#endif  // CUSTODY_CLIENT_CONSOLE_H_
