#include "Elsewhere.h"
#include "moec_rt/model.h"
#include "dialects/MoE/MoEOps.h"
