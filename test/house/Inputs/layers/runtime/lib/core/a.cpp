#include "llvm/ADT/StringRef.h"
#include "moec_rt/model.h"
#include <stdint.h>
