# The command keras-itm on a CPU, modern stack:
#
#   docker build --tag keras-itm .
#   docker run --rm --volume "$PWD:/data" keras-itm configs
#   docker run --rm --volume "$PWD:/data" keras-itm train-unet --gin_file=unet_mini.gin --workdir=runs/unet --data_dir=data
FROM python:3.12-slim
COPY . /keras-itm
RUN pip install --no-cache-dir --constraint /keras-itm/constraints-modern.txt "/keras-itm[ants,dicom]"
WORKDIR /data
ENTRYPOINT ["keras-itm"]
