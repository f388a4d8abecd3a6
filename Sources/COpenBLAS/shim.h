#ifndef CRNN_DIST_COPENBLAS_H
#define CRNN_DIST_COPENBLAS_H
#include <cblas.h>
#endif
