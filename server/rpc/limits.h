// Every bound of the services, each with its reason.
#ifndef CUSTODY_SERVER_RPC_LIMITS_H_
#define CUSTODY_SERVER_RPC_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace custody {

// A request holds at most one signed event (66,000 bytes) or one attachment chunk (1 MiB) and some
// framing around it.
inline constexpr int kMaxRequestBytes = 2 << 20;
// The largest answer is a page of therapies; a state is some tens of kilobytes.
inline constexpr int kMaxReplyBytes = 32 << 20;
// What all calls together may hold in gRPC's buffers.
inline constexpr std::size_t kRpcMemoryBytes = 256u << 20;
// Calls of one connection at the same time: a busy interface pipelines, nobody needs more.
inline constexpr int kMaxConcurrentStreams = 1024;
// An error's words and details, which travel in trailers: with base64 and framing they stay below
// the 64 KiB of metadata that a client is told to accept. A refusal for 40 reasons has some 20 KiB.
inline constexpr std::size_t kMaxErrorWords = 1 << 10;
inline constexpr std::size_t kMaxDetailBytes = 40 << 10;
// A dead peer is noticed within a minute: a station on a ward loses its network often.
inline constexpr int kKeepaliveMillis = 30'000;
inline constexpr int kKeepaliveTimeoutMillis = 20'000;
inline constexpr int kMinPingIntervalMillis = 10'000;

// Streams of entries, of events to be recorded and of the access log, of one station and of all:
// each holds some megabytes at most.
inline constexpr int kMaxStreamsOfStation = 16;
inline constexpr int kMaxStreams = 512;
// Watches of one station, and of all: each is told of every change by the committer itself.
inline constexpr int kMaxWatchesOfStation = 8;
inline constexpr int kMaxWatches = 512;
inline constexpr unsigned kFetchThreads = 2;
// Sessions that wait to be greeted.
inline constexpr std::size_t kGreetingQueue = 1024;
// Certificates whose digests are remembered.
inline constexpr std::size_t kMaxKnownCertificates = 4096;
// Reads wait here for a reading thread; more are refused at once, so that a flood of reads ends in
// a clear answer and not in memory.
inline constexpr std::size_t kReadQueue = 1024;
// Events of one RecordMany stream that are accepted and not yet answered.
inline constexpr std::size_t kRecordWindow = 256;
// Chains of one RecordMany stream in which an event was refused; they are remembered till its end.
inline constexpr std::size_t kMaxStoppedChains = 4096;
// Changes a watcher may be behind before it is told to start over.
inline constexpr std::size_t kMaxPendingChanges = 1024;
// A page of a stream is read at once and then written at the pace of the reader.
inline constexpr std::size_t kPageEntries = 256;
inline constexpr std::size_t kPageBytes = 1 << 20;
inline constexpr std::size_t kPageTherapies = 100;
// Therapies that one page of a listing looks at, shown or not; of the past each is folded anew, and
// counts as so many.
inline constexpr std::uint64_t kMostLookedAt = 1000;
inline constexpr std::uint64_t kCostOfReplay = 10;
// Therapies that one Find looks at, and that it shows: it is how a scan at the bedside is resolved,
// so it stays with the reads, and is short. A shipper or a vector lot may be many others'; what
// counts is what the caller may see. Who looks for more traces.
inline constexpr int kMostLookedAtByFind = 1000;
inline constexpr int kMostShownByFind = 100;
// Listings of one station at a time, and their threads: they go through the whole ledger, and a
// check at the bedside does not wait behind them.
inline constexpr int kMaxListingsOfStation = 2;
inline constexpr int kMaxListings = 512;
inline constexpr unsigned kListingThreads = 2;

inline constexpr std::size_t kAttachmentChunkBytes = 1 << 20;
// Attachments on their way in or out at the same time, since each is held in memory meanwhile; and
// of those at most so many for one station, so that none keeps the others waiting.
inline constexpr int kMaxTransfers = 8;
inline constexpr int kMaxTransfersOfStation = 2;

inline constexpr std::size_t kMaxIdentifierBytes = 256;
inline constexpr std::size_t kMaxReasonBytes = 2000;
inline constexpr int kMaxSubjectIdentifiers = 64;

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_LIMITS_H_
