#ifndef CRNN_DIST_CDEFLATE_H
#define CRNN_DIST_CDEFLATE_H
#include <libdeflate.h>
#endif
