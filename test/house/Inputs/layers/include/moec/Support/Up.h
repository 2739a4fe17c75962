#include "moec/Weights/Store.h"
