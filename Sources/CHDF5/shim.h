#ifndef CRNN_DIST_CHDF5_H
#define CRNN_DIST_CHDF5_H
// HDF5's predefined types, property-list classes and error classes are macros that first open the
// library; Swift cannot import those, so each one that the program needs has a function here.
#define OMPI_SKIP_MPICXX 1
#include <hdf5.h>

static inline hid_t crnn_h5_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t crnn_h5_float(void) { return H5T_NATIVE_FLOAT; }

// The communicator comes as an untyped pointer: MPI's own types belong to the CMPI module.
static inline herr_t crnn_h5_set_parallel_access(hid_t access, void *communicator) {
  return H5Pset_fapl_mpio(access, (MPI_Comm)communicator, MPI_INFO_NULL);
}

#endif
