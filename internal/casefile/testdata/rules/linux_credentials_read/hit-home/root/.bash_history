#1669160424
unshadow /etc/passwd /etc/shadow > /tmp/u
