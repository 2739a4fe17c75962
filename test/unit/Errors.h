//===- Errors.h - llvm::Error in GoogleTest ----------------------------------------------*- C++
//-*-===//
//
// The distribution does not ship LLVMTestingSupport.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_TEST_UNIT_ERRORS_H
#define MOEC_TEST_UNIT_ERRORS_H

#include "llvm/Support/Error.h"

#include <string>

namespace moec {

/// The message; "" of a success. ASSERT_EQ(errorOf(value), "") is how tests go on with `value`.
inline std::string errorOf(llvm::Error error) { return llvm::toString(std::move(error)); }
template <typename T>
std::string errorOf(llvm::Expected<T> &value) {
  return value ? "" : llvm::toString(value.takeError());
}
template <typename T>
std::string errorOf(llvm::Expected<T> &&value) {
  return errorOf(value);
}

} // namespace moec

#endif // MOEC_TEST_UNIT_ERRORS_H
