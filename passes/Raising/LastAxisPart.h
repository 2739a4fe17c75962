//===- LastAxisPart.h - Elements of the last axis of another value -----------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_RAISING_LASTAXISPART_H
#define MOEC_PASSES_RAISING_LASTAXISPART_H

#include "mlir/IR/Value.h"

namespace moec {

/// Of each row of `source`, elements begin, begin + step, … (`size` of them).
struct LastAxisPart {
  mlir::Value source; ///< null: nothing is known
  int64_t begin = 0, size = 0, step = 1;
};

/// What a value is a part of, through Slice and Split of the last axis, and through a Reshape that
/// makes two axes of the last one of which an element is picked (pairs as [..., R, 2], halves as
/// [..., 2, R]). A value that is no part of another is the whole of itself.
LastAxisPart getLastAxisPart(mlir::Value value);

/// Whether both are known, and the same elements.
bool isSamePart(const LastAxisPart &a, const LastAxisPart &b);

} // namespace moec

#endif // MOEC_PASSES_RAISING_LASTAXISPART_H
