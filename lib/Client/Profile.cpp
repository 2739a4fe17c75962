//===- Profile.cpp - Where the time of a model's calls goes
//----------------------------------------===//
#include "moec/Client/Profile.h"

#include "moec/Support/Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace moec {
namespace {

Error addNames(const json::Value &value, NodeProfile &into) {
  const json::Object *object = value.getAsObject();
  std::optional<StringRef> node = object ? object->getString("node") : std::nullopt;
  std::optional<StringRef> op = object ? object->getString("operator") : std::nullopt;
  if (!node || !op)
    return createStringError("the model's \"profile\" has an element without node and operator");
  into.node = node->str();
  into.op = op->str();
  if (const json::Array *fused = object->getArray("fused"))
    for (const json::Value &name : *fused)
      into.fused.push_back(name.getAsString().value_or("").str());
  return Error::success();
}

double milliseconds(const NodeProfile &node) { return double(node.counters.nanoseconds) / 1e6; }

/// Sums, or their means over `calls` calls.
void writeCounters(json::OStream &json, const moec_profile_record &counters, int64_t calls = 1) {
  json.attribute("flops", counters.flops / calls);
  json.attribute("bytes", counters.bytes / calls);
  json.attribute("parallel_regions", counters.parallel_regions / calls);
}

void writeFused(json::OStream &json, const NodeProfile &node) {
  if (!node.fused.empty())
    json.attributeArray("fused", [&] {
      for (const std::string &name : node.fused)
        json.value(name);
    });
}

/// 1234567 as "1.23 M".
std::string scaled(double value) {
  StringRef units[] = {"", " k", " M", " G", " T", " P"};
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? formatv("{0:f0}", value).str()
                   : formatv("{0:f2}{1}", value, units[unit]).str();
}

} // namespace

std::vector<NodeProfile> Profile::byNode() const {
  std::vector<NodeProfile> nodes;
  StringMap<size_t> known;
  for (const NodeProfile &stretch : stretches) {
    auto [it, isNew] = known.try_emplace(stretch.node, nodes.size());
    if (isNew) {
      nodes.push_back(stretch);
      continue;
    }
    NodeProfile &node = nodes[it->second];
    for (const std::string &name : stretch.fused)
      if (!is_contained(node.fused, name))
        node.fused.push_back(name);
    moec_profile_record &sum = node.counters;
    sum.calls = std::max(sum.calls, stretch.counters.calls);
    sum.nanoseconds += stretch.counters.nanoseconds;
    sum.flops += stretch.counters.flops;
    sum.bytes += stretch.counters.bytes;
    sum.parallel_regions += stretch.counters.parallel_regions;
  }
  return nodes;
}

Expected<Profile> readProfile(const Session &session) {
  Expected<json::Value> description = parseJson(session.info().json);
  if (!description)
    return description.takeError();
  const json::Object *object = description->getAsObject();
  const json::Array *names = object ? object->getArray("profile") : nullptr;
  if (!names)
    return createStringError("the model has no counters: compile it with 'moec compile --profile'");
  ArrayRef<moec_profile_record> records = session.profile();
  if (!records.empty() && records.size() != names->size())
    return createStringError("the model names " + Twine(names->size()) +
                             " stretches of code and counts " + Twine(records.size()));
  Profile profile;
  for (auto [i, value] : enumerate(*names)) {
    NodeProfile &stretch = profile.stretches.emplace_back();
    stretch.counters = records.empty() ? moec_profile_record{} : records[i];
    if (Error error = addNames(value, stretch))
      return std::move(error);
  }
  return profile;
}

void writeProfileJson(raw_ostream &os, const Profile &profile, int64_t calls, double wallMs) {
  std::vector<NodeProfile> nodes = profile.byNode();
  moec_profile_record sum = {};
  for (const NodeProfile &node : nodes) {
    sum.nanoseconds += node.counters.nanoseconds;
    sum.flops += node.counters.flops;
    sum.bytes += node.counters.bytes;
    sum.parallel_regions += node.counters.parallel_regions;
  }
  json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("calls", calls);
    json.attribute("wall_ms", wallMs);
    json.attribute("ms", double(sum.nanoseconds) / 1e6);
    writeCounters(json, sum);
    json.attributeArray("nodes", [&] {
      for (const NodeProfile &node : nodes)
        json.object([&] {
          json.attribute("node", node.node);
          json.attribute("operator", node.op);
          writeFused(json, node);
          json.attribute("calls", node.counters.calls);
          json.attribute("ms", milliseconds(node));
          writeCounters(json, node.counters);
        });
    });
  });
  os << '\n';
}

void writeProfileTrace(raw_ostream &os, const Profile &profile) {
  json::OStream json(os, /*IndentSize=*/1);
  json.object([&] {
    json.attribute("displayTimeUnit", "ms");
    json.attributeArray("traceEvents", [&] {
      for (const NodeProfile &stretch : profile.stretches) {
        const moec_profile_record &counters = stretch.counters;
        if (counters.calls == 0)
          continue;
        json.object([&] {
          json.attribute("name", stretch.node.empty() ? "(no node)" : stretch.node);
          json.attribute("cat", stretch.op);
          json.attribute("ph", "X"); // a complete event: start and duration, in microseconds
          json.attribute("ts", double(counters.last_start) / 1e3);
          json.attribute("dur", double(counters.last_nanoseconds) / 1e3);
          json.attribute("pid", 1);
          json.attribute("tid", 1);
          json.attributeObject("args", [&] {
            json.attribute("operator", stretch.op);
            writeFused(json, stretch);
            writeCounters(json, counters, counters.calls);
          });
        });
      }
    });
  });
  os << '\n';
}

void printProfile(raw_ostream &os, const Profile &profile, int64_t calls, size_t most) {
  std::vector<NodeProfile> nodes = profile.byNode();
  llvm::stable_sort(nodes, [](const NodeProfile &a, const NodeProfile &b) {
    return a.counters.nanoseconds > b.counters.nanoseconds;
  });
  double total = 0;
  for (const NodeProfile &node : nodes)
    total += milliseconds(node);
  os << formatv("{0,10} {1,6} {2,12} {3,12} {4,8}  node\n", "ms/call", "%", "FLOP/call",
                "bytes/call", "parallel");
  for (const NodeProfile &node : ArrayRef(nodes).take_front(most)) {
    const moec_profile_record &counters = node.counters;
    double divisor = double(std::max<int64_t>(calls, 1));
    os << formatv("{0,10:f3} {1,6:f1} {2,12} {3,12} {4,8}  ", milliseconds(node) / divisor,
                  total > 0 ? 100 * milliseconds(node) / total : 0,
                  scaled(double(counters.flops) / divisor),
                  scaled(double(counters.bytes) / divisor),
                  int64_t(double(counters.parallel_regions) / divisor));
    os << (node.node.empty() ? "(no node)" : node.node);
    if (!node.op.empty())
      os << " (" << node.op << ')';
    if (!node.fused.empty())
      os << " with " << node.fused.size() << (node.fused.size() == 1 ? " other" : " others");
    os << '\n';
  }
  if (nodes.size() > most)
    os << formatv("{0,10}  and {1} other nodes\n", "", nodes.size() - most);
}

} // namespace moec
