//===- BytePairs.cpp - The merges of byte-pair encoding
//--------------------------------------------===//
#include "BytePairs.h"

#include <queue>
#include <tuple>

namespace moec {
namespace {

/// A doubly linked list over the tokens of a word; a merged token stands where its left half stood.
struct Node {
  uint32_t token;
  int32_t previous, next;
  bool alive = true;
};

/// A pair seen at some time; stale when one of its halves has changed since.
struct Candidate {
  uint32_t rank;
  int32_t left;
  uint32_t leftToken, rightToken, merged;

  /// Highest priority last, as std::priority_queue wants it.
  bool operator<(const Candidate &other) const {
    return std::tie(rank, left) > std::tie(other.rank, other.left);
  }
};

} // namespace

void BytePairs::apply(std::vector<uint32_t> &tokens) const {
  std::vector<Node> nodes(tokens.size());
  for (int32_t i = 0, n = int32_t(tokens.size()); i < n; ++i)
    nodes[i] = {tokens[i], i - 1, i + 1 < n ? i + 1 : -1};

  std::priority_queue<Candidate> queue;
  auto push = [&](int32_t left) {
    if (left < 0 || nodes[left].next < 0)
      return;
    uint32_t leftToken = nodes[left].token, rightToken = nodes[nodes[left].next].token;
    auto merge = merges.find({leftToken, rightToken});
    if (merge != merges.end())
      queue.push({merge->second.rank, left, leftToken, rightToken, merge->second.token});
  };
  for (size_t i = 0; i < nodes.size(); ++i)
    push(int32_t(i));

  while (!queue.empty()) {
    Candidate candidate = queue.top();
    queue.pop();
    Node &left = nodes[candidate.left];
    if (!left.alive || left.token != candidate.leftToken || left.next < 0 ||
        nodes[left.next].token != candidate.rightToken)
      continue;
    Node &right = nodes[left.next];
    left.token = candidate.merged;
    left.next = right.next;
    right.alive = false;
    if (left.next >= 0)
      nodes[left.next].previous = candidate.left;
    push(left.previous);
    push(candidate.left);
  }

  tokens.clear();
  for (const Node &node : nodes)
    if (node.alive)
      tokens.push_back(node.token);
}

} // namespace moec
