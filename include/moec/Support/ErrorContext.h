//===- ErrorContext.h - Where an error comes from ----------------------------------------*- C++
//-*-===//
#ifndef MOEC_SUPPORT_ERRORCONTEXT_H
#define MOEC_SUPPORT_ERRORCONTEXT_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

namespace moec {

/// The error, or each of a list, with "CONTEXT: " before its message. Success stays success.
inline llvm::Error addContext(const llvm::Twine &context, llvm::Error error) {
  llvm::Error result = llvm::Error::success();
  llvm::handleAllErrors(std::move(error), [&](const llvm::ErrorInfoBase &info) {
    result = llvm::joinErrors(std::move(result),
                              llvm::createStringError(context + ": " + info.message()));
  });
  return result;
}

} // namespace moec

#endif // MOEC_SUPPORT_ERRORCONTEXT_H
