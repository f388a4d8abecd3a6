#ifndef CRNN_DIST_CMPI_H
#define CRNN_DIST_CMPI_H
// Open MPI's predefined handles are macros that cast addresses; Swift cannot import those, so each one
// that the program needs has a function here, and so has C's standard output. Nothing else belongs in this file.
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

static inline MPI_Comm crnn_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm crnn_mpi_comm_null(void) { return MPI_COMM_NULL; }
static inline MPI_Info crnn_mpi_info_null(void) { return MPI_INFO_NULL; }
static inline MPI_Errhandler crnn_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Datatype crnn_mpi_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype crnn_mpi_double(void) { return MPI_DOUBLE; }
static inline MPI_Datatype crnn_mpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype crnn_mpi_int32(void) { return MPI_INT32_T; }
static inline MPI_Datatype crnn_mpi_uint32(void) { return MPI_UINT32_T; }
static inline MPI_Datatype crnn_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Datatype crnn_mpi_uint64(void) { return MPI_UINT64_T; }
static inline MPI_Op crnn_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Op crnn_mpi_min(void) { return MPI_MIN; }
static inline MPI_Op crnn_mpi_max(void) { return MPI_MAX; }
static inline void *crnn_mpi_in_place(void) { return MPI_IN_PLACE; }
static inline MPI_Status *crnn_mpi_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline MPI_Status *crnn_mpi_statuses_ignore(void) { return MPI_STATUSES_IGNORE; }

#include <errno.h>
#include <stdio.h>

// C's standard output is a variable, which Swift 6 does not let concurrent code name. Writes what it still holds; the
// number of the error of this or of an earlier write, 0 where all went well, -1 where an earlier one has left none.
static inline int crnn_flush_standard_output(void) {
  errno = 0;
  int flushed = fflush(stdout);
  if (flushed == 0 && !ferror(stdout)) return 0;
  return errno != 0 ? errno : -1;
}

#endif
