#1669160487
unshadow /etc/passwd /etc/shadow > /tmp/u
