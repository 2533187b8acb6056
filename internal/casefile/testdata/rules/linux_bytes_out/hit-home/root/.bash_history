#1669160487
curl --upload-file /tmp/lis.tgz https://transfer.sh/lis.tgz
