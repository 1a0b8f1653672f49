module Api
  class SubnetsController < BaseController
    def index
      render_list(searched(Subnet.order(:name), %w[id name]))
    end

    def create
      render json: Subnet.create!(params.require(:subnet).permit(:name, :network, :mask, :tftp_id)), status: :created
    end

    def destroy
      render json: Subnet.find(params[:id]).destroy!
    end
  end
end
