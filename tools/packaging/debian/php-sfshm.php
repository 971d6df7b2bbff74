mod debian/sfshm.ini
