"""Everything the doctor looks at, one entry each. A new check is a function and a line here."""

from callengine.doctor.asterisk import look_at_ami, look_at_ari
from callengine.doctor.backends import look_at_dialog, look_at_fallback, look_at_recogniser, look_at_voice
from callengine.doctor.checkup import Check
from callengine.doctor.clock import look_at_clock, look_at_timer
from callengine.doctor.database import look_at_database, look_at_replica
from callengine.doctor.disk import look_at_disk
from callengine.doctor.network import look_at_network
from callengine.doctor.ports import look_at_ports
from callengine.doctor.reach import look_at_api, look_at_engine
from callengine.doctor.redis_seen import look_at_redis
from callengine.doctor.settings import look_at_settings
from callengine.doctor.store import look_at_store

CHECKS = (
    Check("settings", look_at_settings),
    Check("database", look_at_database),
    Check("database replica", look_at_replica),
    Check("redis", look_at_redis),
    Check("recogniser", look_at_recogniser, 15.0),  # its own patience is 10 s
    Check("recogniser fallback", look_at_fallback, 15.0),
    Check("voice", look_at_voice, 15.0),
    Check("dialog", look_at_dialog, 25.0),  # two models, 10 s each
    Check("store", look_at_store, 15.0),
    Check("asterisk ARI", look_at_ari),
    Check("asterisk AMI", look_at_ami),
    Check("asterisk to engine", look_at_engine, 12.0),  # 2 s for each node that drops packets
    Check("asterisk to API", look_at_api),
    Check("clock", look_at_clock),
    Check("clock timer", look_at_timer, alone=True),
    Check("ports", look_at_ports),
    Check("disk", look_at_disk),
    Check("network", look_at_network),
)
