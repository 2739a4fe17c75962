#include "moec/Support/Up.h"
