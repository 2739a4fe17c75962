//===- ExpertBody.h - A moe.experts from a layer
//----------------------------------------------------===//
#ifndef MOEC_PASSES_RAISING_EXPERTBODY_H
#define MOEC_PASSES_RAISING_EXPERTBODY_H

#include "passes/Raising/ExpertSweep.h"

namespace moec::experts {

/// Proves that the rows of all experts are one function of tokens and parameters, and puts a
/// moe.experts in place of the layer's sum. False: they are not, and Sweep::reason says why.
bool raiseLayer(Layer &layer, Sweep &sweep);

} // namespace moec::experts

#endif // MOEC_PASSES_RAISING_EXPERTBODY_H
