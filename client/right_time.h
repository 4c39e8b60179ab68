// What a station does about a clock that is wrong (R03): it warns, it stops counting, and it does
// not sign a step as live at a time that is not so.
#ifndef CUSTODY_CLIENT_RIGHT_TIME_H_
#define CUSTODY_CLIENT_RIGHT_TIME_H_

#include "client/console.h"
#include "client/desk.h"
#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// `CountsTime` is whether what is left of a time may be shown here: not while this station's clock
// and the ledger's are known to lie more than 2 min apart, or did when they were last compared.
bool CountsTime(const Desk& desk);

// `WarnOfClock` says it loudly when they lie more than 30 s apart; offline when they did, and when
// that was.
void WarnOfClock(const Desk& desk, Console& console);

// `CheckClock` is whether an event of `rule`'s kind may be signed here now. FAILED_PRECONDITION for
// a LIVE one while the clock is over 2 min ahead (the ledger takes none that is signed in its
// future), and for a LIVE step that needs permission while it is over 2 min behind: a fact or a
// hold under a time that is too early is better than none. Offline it refuses nothing: the clock
// may have been set right since it was compared, and what was signed ahead waits in the outbox.
Status CheckClock(const Desk& desk, const pb::EventRule& rule, pb::EntryMode entry);

}  // namespace custody

#endif  // CUSTODY_CLIENT_RIGHT_TIME_H_
