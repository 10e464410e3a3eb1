// libyaml: its event interface is all that Seatrial reads YAML and JSON with.
#include <yaml.h>
