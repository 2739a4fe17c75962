// The caller's tensors, checked and made what the entry function takes.
#ifndef MOEC_RT_LIB_CORE_INPUTS_H
#define MOEC_RT_LIB_CORE_INPUTS_H

#include "core/Arena.h"
#include "core/Memory.h"
#include "core/Message.h"
#include "moec_rt/kernel_abi.h"

namespace moec::rt {

/// Bytes of an element; 0 for a number that is no moec_type.
int32_t sizeOfType(int32_t type);

/// What an input said about a symbol.
struct SymbolValue {
  int64_t size;
  int32_t input; ///< Who said it; -1: nobody yet.
  int32_t dimension;
};

/// Checks `inputs` against the model's info without touching their data. `symbols` has room for
/// each of the model's symbols.
moec_status checkInputs(const moec_model_info &info, const moec_tensor *inputs, int32_t count,
                        SymbolValue *symbols, Message &message);

/// Fills in a buffer for each of the checked inputs. Those that are strided, or not aligned to
/// their element, or an output of the last call, whose memory this call will use, are copied.
moec_status bindInputs(const moec_model_info &info, const moec_tensor *inputs, Memory &memory,
                       const Arena &arena, moec_rt_buffer *buffers, Message &message);

} // namespace moec::rt

#endif // MOEC_RT_LIB_CORE_INPUTS_H
