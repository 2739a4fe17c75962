#include "moec/Support/CacheNames.h"

#include "llvm/ADT/Twine.h"

using namespace llvm;

bool moec::isCacheName(StringRef name) {
  name.consume_front("input.");
  return name.starts_with("past");
}

SmallVector<std::string, 3> moec::presentNames(StringRef past) {
  StringRef rest = past;
  if (rest.consume_front("input."))
    return {("output." + rest).str()};
  for (StringRef prefix : {"past_key_values", "past_key_value", "past"})
    if (rest.consume_front(prefix))
      return {("present" + rest).str(), ("present_key_values" + rest).str(),
              ("present_key_value" + rest).str()};
  return {};
}
