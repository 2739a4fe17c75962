#include "passes/Transforms/NodeTags.h"

using namespace mlir;
using namespace moec;

static FusedLocWith<StringAttr> findTag(Location loc) {
  return loc->findInstanceOf<FusedLocWith<StringAttr>>();
}

Location moec::tagNode(Location loc, StringRef op) {
  if (!loc->findInstanceOf<NameLoc>() || findTag(loc))
    return loc;
  return FusedLoc::get({loc}, StringAttr::get(loc.getContext(), op), loc.getContext());
}

NodeTag moec::getNodeTag(Location loc) {
  FusedLocWith<StringAttr> tag = findTag(loc);
  if (!tag)
    return {};
  return {Location(tag)->findInstanceOf<NameLoc>().getName(), tag.getMetadata()};
}

void moec::addOtherNodes(Operation *op, const NodeTag &node,
                         llvm::SmallSetVector<Attribute, 4> &names) {
  op->walk([&](Operation *inner) {
    NodeTag tag = getNodeTag(inner->getLoc());
    if (tag && !(tag == node))
      names.insert(tag.name);
  });
}
