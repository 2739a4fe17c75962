#include "moec_rt/kernel_abi.h"
