#ifndef CRNN_DIST_CHDF5_H
#define CRNN_DIST_CHDF5_H
// HDF5's predefined types, property-list classes and error classes are macros that first open the
// library; Swift cannot import those, so each one that the program needs has a function here.
#define OMPI_SKIP_MPICXX 1
#include <hdf5.h>

// Element types as they lie in memory.
static inline hid_t crnn_h5_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t crnn_h5_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t crnn_h5_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t crnn_h5_uint16(void) { return H5T_NATIVE_UINT16; }
static inline hid_t crnn_h5_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t crnn_h5_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t crnn_h5_c_string(void) { return H5T_C_S1; }

// Element types as they are written to files: little-endian on every machine.
static inline hid_t crnn_h5_file_double(void) { return H5T_IEEE_F64LE; }
static inline hid_t crnn_h5_file_float(void) { return H5T_IEEE_F32LE; }
static inline hid_t crnn_h5_file_uint8(void) { return H5T_STD_U8LE; }
static inline hid_t crnn_h5_file_uint16(void) { return H5T_STD_U16LE; }
static inline hid_t crnn_h5_file_int32(void) { return H5T_STD_I32LE; }
static inline hid_t crnn_h5_file_int64(void) { return H5T_STD_I64LE; }

// Classes of property lists.
static inline hid_t crnn_h5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t crnn_h5_file_creation(void) { return H5P_FILE_CREATE; }
static inline hid_t crnn_h5_group_creation(void) { return H5P_GROUP_CREATE; }
static inline hid_t crnn_h5_dataset_creation(void) { return H5P_DATASET_CREATE; }
static inline hid_t crnn_h5_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t crnn_h5_transfer(void) { return H5P_DATASET_XFER; }

// Constants that hide a cast or a call.
static inline unsigned crnn_h5_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned crnn_h5_truncate(void) { return H5F_ACC_TRUNC; }
static inline hsize_t crnn_h5_unlimited(void) { return H5S_UNLIMITED; }
static inline size_t crnn_h5_variable(void) { return H5T_VARIABLE; }

// The communicator comes as an untyped pointer: MPI's own types belong to the CMPI module.
static inline herr_t crnn_h5_set_parallel_access(hid_t access, void *communicator) {
  return H5Pset_fapl_mpio(access, (MPI_Comm)communicator, MPI_INFO_NULL);
}
static inline herr_t crnn_h5_set_collective(hid_t transfer) {
  return H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
}

#endif
