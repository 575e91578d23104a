"""Charts of load: of instances, their interfaces, hosts and the cloud; and sparks in lists."""
