"""Everything the doctor looks at, one entry each. A new check is a function and a line here."""

from callengine.doctor.asterisk import look_at_ami, look_at_ari
from callengine.doctor.checkup import Check
from callengine.doctor.parts import look_at_database, look_at_ports, look_at_recogniser, look_at_redis, look_at_store
from callengine.doctor.reach import look_at_api, look_at_engine

CHECKS = (
    Check("database", look_at_database),
    Check("redis", look_at_redis),
    Check("store", look_at_store),
    Check("recogniser", look_at_recogniser),
    Check("ports", look_at_ports),
    Check("asterisk ARI", look_at_ari),
    Check("asterisk AMI", look_at_ami),
    Check("asterisk to engine", look_at_engine, 12.0),  # 2 s for each node that drops packets
    Check("asterisk to API", look_at_api),
)
