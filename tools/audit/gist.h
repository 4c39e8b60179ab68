// What an event says, in a few words: for timelines and reports that people read.
#ifndef CUSTODY_TOOLS_AUDIT_GIST_H_
#define CUSTODY_TOOLS_AUDIT_GIST_H_

#include <span>
#include <string>
#include <string_view>

#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// `GistForm` says which of a body's fields matter, and how they are said. `form` is parts divided
// by
// "|"; a part stands only when every field that it names was filled in:
//
//   {field}            the value, with its unit; of a repeated field all of them, joined by " / "
//   {field.part}       the same of a part of it
//   {field:one two}    of each element the parts named, elements divided by "; "; a part that
//                      begins with "~" is a word between them
//   {field@zone}       the day of a time, in the zone that another field names
//   field=value?text   the text, when the field's value is shown as `value`, or one of its values
//   field!value?text   the text, when none of its values is; "&" joins conditions
struct GistForm {
  std::string_view body;
  std::string_view form;
};

// `GistForms` is every body's form, in the order of the body's name. An empty form says that the
// event's name says it all.
std::span<const GistForm> GistForms();

// `Gist` is what `event` says, without its name; times local in its own zone.
std::string Gist(const pb::Event& event);

// `CheckGistForm` finds a form that names no such field (INVALID_ARGUMENT).
Status CheckGistForm(const GistForm& form);

}  // namespace custody

#endif  // CUSTODY_TOOLS_AUDIT_GIST_H_
