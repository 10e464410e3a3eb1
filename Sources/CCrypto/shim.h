// OpenSSL's libcrypto: only its SHA-256 is used, for the names that Kubernetes makes of digests.
#include <openssl/sha.h>
