//===- Profile.h - Where the time of a model's calls goes --------------------------------*- C++
//-*-===//
//
// Of models compiled with counters (CompileOptions::profile). Their JSON has a member "profile",
// which says whose code each record of moec_profile_info counts:
//
//   "profile": [ {"node": "/layers.0/MatMul", "operator": "MatMul", "fused": ["/layers.0/Mul"]} ]
//
// "operator" is the node's, or the operation of the moe dialect that it was raised to. "fused" are
// other nodes whose work is done on the way. Work of no node, such as copies into
// outputs, has the names "".
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_CLIENT_PROFILE_H
#define MOEC_CLIENT_PROFILE_H

#include "moec/Client/LoadedModel.h"

#include <string>
#include <vector>

namespace moec {

/// A stretch of code, or, where a node has several, all of them.
struct NodeProfile {
  std::string node, op;
  std::vector<std::string> fused;
  moec_profile_record counters; ///< of several stretches: sums, and the last two of the first
};

struct Profile {
  std::vector<NodeProfile> stretches; ///< in the order in which they run

  /// By node, in the order of their first stretches. A node that is run in several stretches counts
  /// as one call.
  std::vector<NodeProfile> byNode() const;
};

/// What the session has counted so far. Fails for a model without counters.
llvm::Expected<Profile> readProfile(const Session &session);

/// {"calls", "wall_ms", "ms", "flops", "bytes", "parallel_regions", "nodes": [{"node", "operator",
/// "fused", "calls", "ms", "flops", "bytes", "parallel_regions"}]}: sums over all calls; "wall_ms"
/// is the time that `calls` calls took, and "ms" what of it was in nodes.
void writeProfileJson(llvm::raw_ostream &os, const Profile &profile, int64_t calls, double wallMs);

/// The last call as a trace for chrome://tracing, Perfetto and their like: an event a stretch, with
/// the means of its counters.
void writeProfileTrace(llvm::raw_ostream &os, const Profile &profile);

/// The `most` nodes that took most time, as a table.
void printProfile(llvm::raw_ostream &os, const Profile &profile, int64_t calls, size_t most);

} // namespace moec

#endif // MOEC_CLIENT_PROFILE_H
