// The parts of the GNU Scientific Library that Seatrial uses.
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_qrng.h>
#include <gsl/gsl_roots.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

// GSL names its algorithms by global variables. Swift 6 cannot know that nobody assigns to them and refuses to
// read them; this function does.
static inline const gsl_root_fsolver_type *cgsl_root_fsolver_brent(void) {
    return gsl_root_fsolver_brent;
}

static inline const gsl_qrng_type *cgsl_qrng_sobol(void) {
    return gsl_qrng_sobol;
}
